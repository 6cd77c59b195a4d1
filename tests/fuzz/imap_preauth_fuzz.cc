// The whole engine before login, fed with a connection's octets: it ends, answers in whole lines, and does
// not log anybody in who did not send the password.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemons/imapd/preauth.h"

using namespace mailroom;

namespace {

class Octets : public Stream {
 public:
  explicit Octets(std::string_view input) : input_{input} {}
  std::size_t read(std::span<char> into) override {
    const std::size_t count = input_.copy(into.data(), into.size());
    input_.remove_prefix(count);
    return count;
  }
  void write(std::string_view bytes) override { output += bytes; }
  void set_deadline(std::chrono::steady_clock::time_point) override {}
  std::string output;

 private:
  std::string_view input_;
};

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
  Octets stream{input};
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
