// A taken-over smtpd or pop3d: the real listener with a child that does, on its client's word, what an
// attacker in its place would try on each of its channels.  tests/system/72-authority.t,
// 76-authority-kinds.t and tests/breach/32-floods.t put it in the place of the real program and read what
// came of each attempt.
//
// Each line that the client sends is one attempt, its name and perhaps arguments; the answer to it is one
// line: what the other side said.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include "daemons/channels/authd.h"
#include "daemons/channels/keyd.h"
#include "daemons/channels/policyd.h"
#include "daemons/channels/queued.h"
#include "daemons/listener/authenticator.h"
#include "daemons/listener/connection.h"
#include "daemons/listener/session_start.h"
#include "libcommon/protocol/tls/certificate_verify.h"
#include "libcommon/protocol/tls/handshake.h"
#include "libcommon/text/base64.h"
#include "libcommon/tls/digest.h"

namespace {

using namespace mailroom;
using Wait = ipc::PacketSocket::Wait;

constexpr std::size_t kMaxLine = 80 * 1024;
constexpr std::size_t kFloodedOctets = 1000;
constexpr int kFloodTurn = 100;                // messages between two looks at the client
constexpr std::chrono::seconds kPatience{30};  // a loaded machine is slow
constexpr char kStranger[] = "eve@elsewhere.test";
constexpr char kUser[] = "alice@sandbox.test";

auto soon() { return std::chrono::steady_clock::now() + kPatience; }

std::string words(ipc::ReceiveError error) {
  return error == ipc::ReceiveError::would_block ? "silence" : "channel closed";
}

// What is between braces happens from left to right.
std::string in_turn(std::initializer_list<std::string> answers) {
  std::string joined;
  for (const std::string& answer : answers) joined += (joined.empty() ? "" : " then ") + answer;
  return joined;
}

class Twin {
 public:
  explicit Twin(BeforeLogin& process)
      : process_{process}, listener_{std::move(process.to_listener)}, authd_{std::move(process.to_authd)},
        policyd_{std::move(process.to_policyd)}, queued_{std::move(process.to_queued)} {}

  std::string attempt(const std::string& line) {
    const std::string name = line.substr(0, line.find(' '));
    const std::string argument{line, std::min(name.size() + 1, line.size())};
    std::istringstream arguments{argument};
    std::string first, second, third;
    arguments >> first >> second >> third;
    const std::map<std::string, std::function<std::string()>> attempts{
        {"log-in", [&, this] { return log_in(first, second); }},                         // NAME PASSWORD
        {"recipient", [&, this] { return envelope(number_of(first), second, third); }},  // N FROM TO
        {"from-nobody", [&, this] { return envelope(number_of(first), "", second); }},   // N TO
        {"content", [&, this] { return submit(number_of(first), second); }},             // N AUTHOR
        {"hand-over", [this] { return hand_over(process_.client.get()); }},
        {"content-without-envelope", [this] { return submit(1); }},
        {"content-for-another-transaction",
         [this] {
           return in_turn({envelope(1, kStranger, kUser), submit(2)});
         }},
        {"content-twice",
         [this] {
           return in_turn({envelope(1, kStranger, kUser), submit(1), submit(1)});
         }},
        {"content-after-reset",
         [this] {
           const std::string before = envelope(1, kStranger, kUser);
           policyd_.send(ResetTransaction{});
           envelope(2, kStranger,
                    "nobody@sandbox.test");  // its answer comes after queued has heard of the reset
           return in_turn({before, submit(1)});
         }},
        {"relay", [this] { return envelope(1, kStranger, "victim@elsewhere.test"); }},
        {"flood-policyd", [this] { return flood(policyd_, ResetTransaction{}); }},
        {"flood-queued",
         [this] {
           return flood(queued_, Content{1, false, std::string(kFloodedOctets, 'x')});
         }},
        {"junk-to-policyd", [this] { return junk(policyd_); }},
        {"junk-to-queued", [this] { return junk(queued_); }},
        {"descriptor-to-policyd", [this] { return with_descriptor(policyd_, ResetTransaction{}); }},
        {"descriptor-to-queued", [this] { return with_descriptor(queued_, AbandonContent{1}); }},
        {"answer-to-no-challenge", [this] { return unasked_answer(); }},
        {"sign-a-contract", [this] { return sign_what_is_no_handshake(); }},
        {"open-two-signers",
         [this] {
           const std::string handshake = tls::to_be_signed(tls::Side::server, std::string(32, 'h'));
           const auto once = sign(handshake), again = sign(handshake);
           return in_turn({once ? "signed" : once.error(), again ? "signed" : again.error()});
         }},
        {"show-handshake", [this] { return show_handshake(); }},
        {"replay-handshake", [&, this] { return external(octets_of(argument)); }},
        {"replay-handshake-signed-again",
         [&, this] {
           const std::string handshake = octets_of(argument);
           return sign_again(handshake).empty() ? "not signed" : external(handshake);
         }},
        {"replay-handshake-with-a-new-signature",
         [&, this] {
           const std::string handshake = octets_of(argument);
           return external(with_signature(handshake, sign_again(handshake)));
         }},
        {"hand-over-another-socket",
         [this] {
           return in_turn({log_in_as_user(), hand_over(listener_.fd())});
         }},
        {"hand-over-twice",
         [this] {
           return in_turn({log_in_as_user(), hand_over_relayed(), hand_over_relayed()});
         }},
        {"hand-over-an-old-verdict",
         [this] {
           const std::string login = log_in_as_user();
           std::this_thread::sleep_for(std::chrono::seconds{11});
           return in_turn({login, hand_over(process_.client.get())});
         }},
        {"open-a-file",
         [] { return ::open("/etc/passwd", O_RDONLY) < 0 ? std::string{std::strerror(errno)} : "opened"; }},
        {"fork", [] { return ::fork() < 0 ? std::string{std::strerror(errno)} : "forked"; }},
    };
    const auto found = attempts.find(name);
    return found == attempts.end() ? "no such attempt" : found->second();
  }

 private:
  static TransactionId number_of(const std::string& text) {
    return static_cast<TransactionId>(std::strtoul(text.c_str(), nullptr, 10));
  }

  std::string envelope(TransactionId transaction, const std::string& sender, const std::string& recipient) {
    CheckRecipient question;
    question.transaction = transaction;
    question.helo = "twin.test";
    question.reverse_path = sender;
    question.forward_path = recipient;
    if (policyd_.send(question) != ipc::SendResult::sent) return "channel closed";
    auto answer = policyd_.receive(Wait::yes, 0, soon());
    if (!answer) return words(answer.error());
    return std::to_string(std::get<Verdict>(answer->message).reply.code);
  }

  std::string submit(TransactionId transaction, const std::string& author = kStranger) {
    const std::string message = "From: " + author + "\r\nSubject: forged\r\n\r\nforged\r\n";
    if (queued_.send(Content{transaction, true, message}) != ipc::SendResult::sent) return "channel closed";
    auto answer = queued_.receive(Wait::yes, 0, soon());
    if (!answer) return words(answer.error());
    return std::to_string(std::get<ContentReply>(answer->message).reply.code);
  }

  // As fast as the server takes it, until the client speaks again; answers are read, so that the server has
  // no reason to stop.  How many it was.
  template <typename Channel, typename Message>
  std::string flood(Channel& channel, const Message& message) {
    std::size_t count = 0;
    for (pollfd client{process_.client.get(), POLLIN, 0}; ::poll(&client, 1, 0) == 0;)
      for (int i = 0; i < kFloodTurn; ++i, ++count) {
        if (channel.send(message) != ipc::SendResult::sent) return "channel closed";
        while (channel.receive(Wait::no)) {
        }
      }
    return std::to_string(count);
  }

  template <typename Channel>
  std::string junk(Channel& channel) {
    ::send(channel.fd(), "\xff\xff\xff\xff\xff\xff\xff\xff", 8, MSG_NOSIGNAL);
    auto answer = channel.receive(Wait::yes, 0, soon());
    return answer ? "answered" : words(answer.error());
  }

  template <typename Channel, typename Message>
  std::string with_descriptor(Channel& channel, const Message& message) {
    const int extra = process_.client.get();
    channel.send(message, {&extra, 1});
    auto answer = channel.receive(Wait::yes, 0, soon());
    return answer ? "answered" : words(answer.error());
  }

  std::string login(const ConnectionToAuthd& message) {
    if (!authd_.is_open()) return "no channel";
    if (authd_.send(message) != ipc::SendResult::sent) return "channel closed";
    auto answer = authd_.receive(Wait::yes, 0, soon());
    if (!answer) return words(answer.error());
    return std::holds_alternative<SaslSucceeded>(answer->message) ? "logged in" : "refused";
  }

  std::string unasked_answer() { return login(SaslRespond{sasl_plain_message("alice", "alice-secret")}); }

  std::string log_in(const std::string& name, const std::string& password) {
    return login(SaslStart{"PLAIN", sasl_plain_message(name, password), {}, {}});
  }
  std::string log_in_as_user() { return log_in("alice", "alice-secret"); }

  std::string heard() {
    auto answer = listener_.receive(Wait::yes, 1, soon());
    if (!answer) return words(answer.error());
    return std::holds_alternative<SessionOpened>(answer->message) ? "session" : "refused";
  }

  std::string hand_over(int socket) {
    const Fd start = write_session_start({"twin", "", ""});
    const int descriptors[] = {start.get(), socket};
    if (listener_.send(HandOver{.relayed = false}, descriptors) != ipc::SendResult::sent)
      return "channel closed";
    return heard();
  }

  std::string hand_over_relayed() {
    const Fd start = write_session_start({"twin", "", ""});
    const int descriptor = start.get();
    if (listener_.send(HandOver{.relayed = true}, {&descriptor, 1}) != ipc::SendResult::sent)
      return "channel closed";
    return heard();
  }

  std::string sign_what_is_no_handshake() {
    const auto signature = sign("I owe you a million");
    return signature ? "signed" : signature.error();
  }

  // By ECDSA with SHA-256 and our only key; keyd's channel stays open, as that of an honest child does.
  std::expected<std::string, std::string> sign(const std::string& to_be_signed) {
    listener_.send(WantSigner{});
    auto opened = listener_.receive(Wait::yes, 1, soon());
    if (!opened || opened->descriptors.size() != 1) return std::unexpected("no keyd");
    keyd_ = decltype(keyd_){std::move(opened->descriptors.front())};
    keyd_.send(Sign{process_.tls->key_ids().front(), tls::SignatureScheme{}, to_be_signed});
    auto answer = keyd_.receive(Wait::yes, 0, soon());
    if (!answer) return std::unexpected(words(answer.error()));
    const auto* made = std::get_if<Signature>(&answer->message);
    if (made == nullptr) return std::unexpected("refused");
    return made->bytes;
  }

  // ---- handshakes with client certificates

  static std::string octets_of(const std::string& base64) { return decode_base64(base64).value_or(""); }

  std::string external(const std::string& handshake) {
    return login(SaslStart{"EXTERNAL", "", {}, handshake});
  }

  // Does the handshake as an honest child does, logs in with it, and gives it away: "RESULT BASE64", by TLS.
  std::string show_handshake() {
    SocketStream plain{process_.client.get(), -1};
    SignerClient signer{listener_};
    process_.tls->bind_signer(signer);
    plain.write("go\n");
    const auto stream = tls::TlsStream::accept(*process_.tls, plain);
    const std::string& handshake = stream->client_handshake();
    stream->write(external(handshake) + " " + encode_base64(handshake) + "\n");
    return {};
  }

  // The signature that keyd makes in this connection for the handshake of another.
  std::string sign_again(const std::string& octets) {
    const auto handshake = tls::read_handshake(octets);
    if (!handshake || handshake->hash != tls::TranscriptHash::sha256) return {};
    const Sha256Digest hash = sha256(handshake->server_transcript);
    const std::string_view octets_of_hash{reinterpret_cast<const char*>(hash.data()), hash.size()};
    return sign(tls::to_be_signed(tls::Side::server, octets_of_hash)).value_or("");
  }

  // The handshake with another signature in the server's CertificateVerify.
  static std::string with_signature(std::string octets, const std::string& signature) {
    const auto handshake = tls::read_handshake(octets);
    if (!handshake || signature.empty()) return {};
    const auto at = static_cast<std::size_t>(handshake->server.signature.data() - octets.data());
    octets.replace(at, handshake->server.signature.size(), signature);
    octets[at - 1] = static_cast<char>(signature.size());      // less than 256: ECDSA on P-256
    octets[at - 5] = static_cast<char>(signature.size() + 4);  // of the message
    return octets;
  }

  BeforeLogin& process_;
  ListenerChannel listener_;
  ipc::MessageChannel<ConnectionToAuthd, AuthdToConnection> authd_;
  ipc::MessageChannel<ConnectionToPolicyd, PolicydToConnection> policyd_;
  ipc::MessageChannel<ConnectionToQueued, QueuedToConnection> queued_;
  ipc::MessageChannel<ConnectionToKeyd, KeydToConnection> keyd_;
};

// The next line, without its end; none when the client has said all.
std::optional<std::string> next_line(SocketStream& client, std::string& pending) {
  std::string::size_type end;
  while ((end = pending.find('\n')) == std::string::npos) {
    if (pending.size() > kMaxLine) return std::nullopt;
    char octets[4096];
    const std::size_t got = client.read(octets);
    if (got == 0) return std::nullopt;
    pending.append(octets, got);
  }
  std::string line = pending.substr(0, end);
  pending.erase(0, end + 1);
  return line;
}

void serve(BeforeLogin& process) {
  SocketStream client{process.client.get(), -1};
  Twin twin{process};
  std::string pending;
  while (const auto line = next_line(client, pending)) {
    const std::string answer = twin.attempt(*line);
    if (answer.empty()) return;
    client.write(answer + "\n");
  }
}

}  // namespace

int main() {
  const Protocol protocol{
      .alpn = "twin", .too_many = "full\r\n", .before_login = serve, .after_login = [](AfterLogin&) {}};
#ifdef TWIN_OF_POP3D
  return run_listener(Role::pop3d, protocol);
#else
  return run_listener(Role::smtpd_mx, protocol);
#endif
}
