// What the engine asks of the world: connections to servers, TLS on them, a password.  A test gives it
// others.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "daemons/channels/relayd.h"
#include "libcommon/routing/next_hop.h"
#include "libcommon/sys/ip_address.h"
#include "libcommon/sys/stream.h"

namespace mailroom::relayd {

struct TlsStarted {
  std::string description;  // version and cipher
  std::string trouble;      // of a requirement with report_only: RFC 8460 4.3 result type of what is wrong
};
struct TlsProblem {
  RelayFailure failure = RelayFailure::tls_failed;  // or certificate
  std::string words;
  std::string result;  // RFC 8460 4.3
};

// One connection.
class Link {
 public:
  using Time = std::chrono::steady_clock::time_point;

  virtual ~Link() = default;

  // Plaintext, or TLS once it has started.
  virtual Stream& stream() = 0;

  // What has arrived and was not read, without waiting: 0 octets when nothing has.  Throws StreamError when
  // the connection has ended.
  virtual std::size_t read_arrived(std::span<char> into) = 0;

  // Does the client's handshake.  After a failure the connection is of no more use.
  virtual std::expected<TlsStarted, TlsProblem> start_tls(const routing::TlsRequirement& required,
                                                          Time deadline) = 0;

  // How long what is under way goes on once this process is told to end.  Zero, as at first: not at all, what
  // waits throws Stopped.
  virtual void set_patience(std::chrono::milliseconds patience) = 0;
  // Whether something has gone on so.
  virtual bool is_told_to_end() const = 0;

  // Says the end of TLS, if there is TLS.
  virtual void close() noexcept = 0;
};

class Dialler {
 public:
  virtual ~Dialler() = default;

  // The error in words.  Throws Stopped when this process is to end.
  virtual std::expected<std::unique_ptr<Link>, std::string> connect(const IpAddress& address,
                                                                    Link::Time deadline) = 0;
  virtual std::expected<std::unique_ptr<Link>, std::string> connect_unix(const std::string& name,
                                                                         Link::Time deadline) = 0;
};

class CredentialSource {
 public:
  virtual ~CredentialSource() = default;

  // Of this process's route; nothing when there are none or authd does not answer.
  virtual std::optional<RelayCredentials> ask() = 0;
};

}  // namespace mailroom::relayd
