// The whole engine before login, fed with a connection's octets: it ends, answers in whole lines, and does
// not log anybody in who did not send the password.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemons/imapd/preauth.h"
#include "tests/fuzz/octet_stream.h"

using namespace mailroom;

namespace {

class OnePassword : public Authenticator {
 public:
  std::vector<std::string> mechanisms() const override { return {"PLAIN"}; }
  AuthStep start(std::string_view mechanism, std::optional<std::string_view> initial_response) override {
    if (mechanism != "PLAIN") std::abort();
    if (!initial_response) return AuthChallenge{};
    return respond(*initial_response);
  }
  AuthStep respond(std::string_view data) override {
    if (data == sasl_plain_message("joe", "secret")) return AuthSuccess{};
    return AuthFailure{};
  }
  void cancel() override {}
};

class SameStream : public TlsUpgrade {
 public:
  explicit SameStream(Stream& stream) : stream_{stream} {}
  Stream& start() override { return stream_; }

 private:
  Stream& stream_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  OctetStream stream{input};
  OnePassword authenticator;
  SameStream tls{stream};
  const imapd::PreauthFacts facts{
      .hostname = "h", .tls = imapd::TlsState::available, .plaintext_login = true};
  const auto login = imapd::run_preauth(stream, facts, authenticator, tls);
  if (!stream.output.ends_with("\r\n")) std::abort();
  if (login && login->context.empty()) std::abort();
  if (login && input.find("secret") == std::string_view::npos &&
      input.find("NyZXQ") == std::string_view::npos && input.find("c2VjcmV0") == std::string_view::npos &&
      input.find("zZWNyZX") == std::string_view::npos)
    std::abort();
  return 0;
}
