// KPOP's framing before POP3, fed with a connection's octets: a ticket is taken only when the versions are
// right and its length is one that is allowed, and what reaches the authenticator is what was sent.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemons/pop3d/kpop.h"
#include "tests/fuzz/octet_stream.h"

using namespace mailroom;

namespace {

class AnyTicket : public Authenticator {
 public:
  std::vector<std::string> mechanisms() const override { return {}; }
  AuthStep start(std::string_view, std::optional<std::string_view> initial_response) override {
    ticket = *initial_response;
    if (ticket.starts_with('x')) return AuthFailure{AuthFailure::Kind::bad_credentials, "error"};
    return AuthChallenge{ticket.starts_with('m') ? "mutual" : ""};
  }
  AuthStep respond(std::string_view) override { return AuthFailure{}; }
  void cancel() override {}
  std::string ticket;
};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  OctetStream stream{input};
  AnyTicket authenticator;
  bool taken = false;
  try {
    taken = pop3d::take_ticket(stream, authenticator, std::chrono::seconds{1});
  } catch (const StreamError&) {
  }
  require(authenticator.ticket.size() <= pop3d::kMaxKpopMessage);
  require(authenticator.ticket.empty() || input.ends_with(authenticator.ticket) ||
          input.find(authenticator.ticket) != input.npos);
  require(stream.output.size() <= 1 + 4 + 4 + 6);
  // One octet for the versions, then the answer to a ticket.
  require(!taken || (stream.output.size() >= 5 && stream.output.front() == '\0'));
  return 0;
}
