// A listener's life: set up and warm up once, fork for each connection, shut the child in, shake hands there.
#include <catch2/catch.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/sys/syscall_filter.h"
#include "tests/unit/tls/test_client.h"

using namespace mailroom;
using namespace mailroom::tls;
using namespace std::chrono_literals;

namespace {

struct Request {
  KeyId key;
  SignatureScheme scheme;
  std::uint32_t size;
  char octets[256];
};

// The child's end of a signer in another process.
class SocketSigner : public Signer {
 public:
  explicit SocketSigner(int socket) : socket_{socket} {}
  std::expected<std::string, std::string> sign(const KeyId& key, SignatureScheme scheme,
                                               std::string_view octets) noexcept override {
    Request request{key, scheme, static_cast<std::uint32_t>(octets.size()), {}};
    if (octets.size() > sizeof request.octets) return std::unexpected("too long");
    octets.copy(request.octets, octets.size());
    std::string signature(1024, '\0');
    if (::send(socket_, &request, sizeof request, 0) != sizeof request) return std::unexpected("no signer");
    const ssize_t got = ::recv(socket_, signature.data(), signature.size(), 0);
    if (got <= 0) return std::unexpected("no signature");
    signature.resize(static_cast<std::size_t>(got));
    return signature;
  }

 private:
  int socket_;
};

// The other end, until the child closes its own.
void serve_signatures(TestServer& server, int socket) {
  Request request;
  while (::recv(socket, &request, sizeof request, 0) == sizeof request) {
    const auto signature = server.sign(request.key, request.scheme, {request.octets, request.size});
    ::send(socket, signature->data(), signature->size(), 0);
  }
}

struct ChildReport {
  bool served = false;
  long page_faults = 0;
  long microseconds = 0;  // of processor time
};

ChildReport usage() {
  rusage now{};
  ::getrusage(RUSAGE_SELF, &now);
  return {false, now.ru_minflt,
          (now.ru_utime.tv_sec + now.ru_stime.tv_sec) * 1'000'000 + now.ru_utime.tv_usec +
              now.ru_stime.tv_usec};
}

enum class Jail { none, filter };

// In the child: one handshake, one line each way.
ChildReport serve_in_child(ServerContext& context, int client, int signer_socket, Jail jail) {
  if (jail == Jail::filter) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    SystemCallFilter{CallSet::basic}.install_single_threaded();
  }
  const ChildReport before = usage();
  SocketSigner signer{signer_socket};
  context.bind_signer(signer);
  SocketStream socket{client, -1};
  socket.set_deadline(std::chrono::steady_clock::now() + 5s);
  const auto stream = TlsStream::accept(context, socket);
  std::array<char, 64> block;
  stream->write(std::string_view{block.data(), stream->read(block)});
  stream->read(block);
  stream->close();
  const ChildReport after = usage();
  return {true, after.page_faults - before.page_faults, after.microseconds - before.microseconds};
}

[[noreturn]] void run_child(ServerContext& context, int client, int signer, int report_to, Jail jail) {
  ChildReport report;
  try {
    report = serve_in_child(context, client, signer, jail);
  } catch (const std::exception&) {  // the report says that nothing was served
  }
  const bool told = ::write(report_to, &report, sizeof report) == sizeof report;
  ::_exit(told ? 0 : 1);
}

ChildReport handshake_in_fork(TestServer& server, const Offer& offer, Jail jail) {
  const SocketPair sockets;
  int signers[2], reports[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, signers) == 0);
  REQUIRE(::pipe(reports) == 0);
  const Fd near{signers[0]}, report{reports[0]};
  Fd far{signers[1]}, report_to{reports[1]};
  const pid_t child = ::fork();
  if (child == 0) run_child(server.context(), sockets.server.get(), far.get(), report_to.get(), jail);
  far.reset();
  report_to.reset();
  ChildReport result;
  {
    std::jthread keyd{[&] { serve_signatures(server, near.get()); }};
    TestClient client{sockets.client.get(), offer};
    if (client.connect() && client.write("a NOOP\r\n")) CHECK(client.read(8) == "a NOOP\r\n");
    client.close();
    CHECK(::read(report.get(), &result, sizeof result) == sizeof result);
    ::waitpid(child, nullptr, 0);
  }
  return result;
}

}  // namespace

TEST_CASE("a forked child shakes hands under the narrowest filter: it opens and maps no file", "[bare]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const KeyType type = GENERATE(KeyType::ecdsa_p256, KeyType::rsa);
  TestServer server{{{type, "mail.example"}}};
  server.context().warm_up();
  const ChildReport report =
      handshake_in_fork(server, {.min_version = version, .max_version = version}, Jail::filter);
  CHECK(report.served);
  // Most of them copies of pages that the child shares with its parent; a lost warm-up shows as thousands.
  CHECK(report.page_faults < 600);
}

TEST_CASE("cost of a handshake", "[.bench]") {
  constexpr int kRounds = 500;
  struct Row {
    KeyType type;
    int version;
    const char* name;
  };
  for (const Row row : {Row{KeyType::ecdsa_p256, TLS1_3_VERSION, "TLS 1.3 ECDSA"},
                        Row{KeyType::rsa, TLS1_3_VERSION, "TLS 1.3 RSA  "},
                        Row{KeyType::ecdsa_p256, TLS1_2_VERSION, "TLS 1.2 ECDSA"}}) {
    TestServer server{{{row.type, "mail.example"}}};
    server.context().warm_up();
    const Offer offer{.min_version = row.version, .max_version = row.version};
    long faults = 0, microseconds = 0;
    for (int i = 0; i < kRounds; ++i) {
      const ChildReport report = handshake_in_fork(server, offer, Jail::none);
      faults += report.page_faults;
      microseconds += report.microseconds;
    }
    WARN(row.name << ", key in another process, forked child: " << microseconds / kRounds
                  << " us of processor, " << faults / kRounds << " page faults");
  }
}

TEST_CASE("handshakes in one process", "[.bench]") {
  constexpr int kRounds = 1000;
  for (const KeyType type : {KeyType::ecdsa_p256, KeyType::rsa}) {
    for (const bool remote : {false, true}) {
      TestServer server{{{type, "mail.example"}}};
      server.context().warm_up();
      int signers[2];
      REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, signers) == 0);
      const pid_t keyd = ::fork();
      if (keyd == 0) {
        ::close(signers[1]);
        serve_signatures(server, signers[0]);
        ::_exit(0);
      }
      ::close(signers[0]);
      SocketSigner signer{signers[1]};
      if (remote) server.context().bind_signer(signer);
      const auto before = usage();
      for (int i = 0; i < kRounds; ++i) {
        const SocketPair sockets;
        BesideClient beside{sockets, {}, [](TestClient& client) { client.connect(); }};
        SocketStream socket{sockets.server.get(), -1};
        TlsStream::accept(server.context(), socket);
      }
      const long each = (usage().microseconds - before.microseconds) / kRounds;
      WARN((type == KeyType::rsa ? "RSA-2048 " : "ECDSA P-256 ")
           << (remote ? "remote" : "local ") << ": " << each << " us of processor for client and server, "
           << 1'000'000 / each << " handshakes/s on one core");
      ::close(signers[1]);
      ::waitpid(keyd, nullptr, 0);
    }
  }
}
