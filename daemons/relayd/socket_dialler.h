// Connections by TCP and to Unix sockets.
#pragma once

#include "daemons/relayd/link.h"
#include "libcommon/tls/client_context.h"

namespace mailroom::relayd {

class SocketDialler : public Dialler {
 public:
  // `stop`: a descriptor whose hang-up ends every wait, as SocketStream has it.
  SocketDialler(int stop, tls::ClientContext& tls) : stop_{stop}, tls_{tls} {}

  std::expected<std::unique_ptr<Link>, std::string> connect(const IpAddress& address,
                                                            Link::Time deadline) override;
  // Below the process's root directory.
  std::expected<std::unique_ptr<Link>, std::string> connect_unix(const std::string& name,
                                                                 Link::Time deadline) override;

  // The descriptor of the connection made last, to wait for it with others.
  int last_socket() const { return last_socket_; }

 private:
  int stop_;
  tls::ClientContext& tls_;
  int last_socket_ = -1;
};

}  // namespace mailroom::relayd
