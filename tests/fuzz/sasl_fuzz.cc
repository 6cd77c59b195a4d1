// PLAIN and LOGIN: what comes out is what went in, within the limits.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libcommon/protocol/sasl/login.h"
#include "libcommon/protocol/sasl/plain.h"

using namespace mailroom::sasl;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const Credentials& credentials) {
  require(is_possible_name(credentials.authcid) && is_possible_password(credentials.password));
  require(credentials.authzid.empty() || is_possible_name(credentials.authzid));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message{reinterpret_cast<const char*>(data), size};
  if (const auto plain = parse_plain(message)) {
    check(*plain);
    require(plain->authzid + '\0' + plain->authcid + '\0' + plain->password == message);
  }
  const std::size_t half = message.find('\n');
  LoginServer server;
  auto step =
      server.start(half == std::string_view::npos ? std::nullopt : std::optional{message.substr(0, half)});
  for (int i = 0; i < 2 && std::holds_alternative<std::string_view>(step); ++i) {
    auto next = server.respond(half == std::string_view::npos ? message : message.substr(half + 1));
    if (!next) break;
    step = std::move(*next);
  }
  if (const auto* credentials = std::get_if<Credentials>(&step)) check(*credentials);
  return 0;
}
