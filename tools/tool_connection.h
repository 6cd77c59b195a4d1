// A tool's connection to a server's control socket: one request, one answer.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <expected>
#include <string>

#include "daemons/channels/tools_policyd.h"
#include "libcommon/ipc/channel.h"

namespace mailroom {

// The servers answer at once or after a sync; an answer that takes longer will not come.
inline constexpr std::chrono::seconds kToolPatience{60};

// A connected SEQPACKET socket, or why not.
inline std::expected<Fd, std::string> connect_to_control_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::unexpected(path + ": the path is too long");
  path.copy(address.sun_path, path.size());
  Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::unexpected(path + ": " + std::strerror(errno));
  return fd;
}

// The answer of the kind that the request has; anything else is words for the operator.
template <typename Expected, typename Answer>
std::expected<Expected, std::string> expect_answer(std::expected<Answer, std::string> answer) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (auto* refused = std::get_if<ToolRefused>(&*answer)) return std::unexpected(std::move(refused->reason));
  if (auto* expected = std::get_if<Expected>(&*answer)) return std::move(*expected);
  return std::unexpected("an answer to another question: the server is of another version");
}

template <typename Request, typename Answer>
class ToolConnection {
 public:
  explicit ToolConnection(Fd fd) : channel_{std::move(fd)} {}

  std::expected<Answer, std::string> ask(const Request& request) {
    if (channel_.send(request) != ipc::SendResult::sent)
      return std::unexpected("the server has closed the connection");
    return receive();
  }

  // The next answer, where one request has several.
  std::expected<Answer, std::string> receive() {
    const auto deadline = std::chrono::steady_clock::now() + kToolPatience;
    auto answer = channel_.receive(ipc::PacketSocket::Wait::yes, 0, deadline);
    if (answer) return std::move(answer->message);
    if (answer.error() == ipc::ReceiveError::would_block)
      return std::unexpected("the server does not answer");
    return std::unexpected("the server has closed the connection");
  }

 private:
  ipc::MessageChannel<Request, Answer> channel_;
};

}  // namespace mailroom
