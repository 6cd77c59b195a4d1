// For trying out by hand, and for clients and the parsing oracle without the rest of the system: serves one
// account directory on a loopback port; the user "user1" has the password "pass1".
//
//   imap_dev_server PORT DIRECTORY
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "daemons/imapd/preauth.h"
#include "daemons/imapd/session.h"
#include "libcommon/sys/fd.h"
#include "libcommon/sys/socket_stream.h"

namespace {

using namespace mailroom;

class OneUser : public Authenticator {
 public:
  std::vector<std::string> mechanisms() const override { return {"PLAIN"}; }
  AuthStep start(std::string_view, std::optional<std::string_view> initial) override {
    if (!initial) return AuthChallenge{};
    return respond(*initial);
  }
  AuthStep respond(std::string_view data) override {
    if (data == sasl_plain_message("user1", "pass1")) return AuthSuccess{};
    return AuthFailure{};
  }
  void cancel() override {}
};

class NoTls : public TlsUpgrade {
 public:
  Stream& start() override { throw StreamError{StreamError::Kind::failed, "no TLS"}; }
};

void serve(int client, const std::string& directory) {
  SocketStream stream{client, -1};
  OneUser users;
  NoTls no_tls;
  auto login = imapd::run_preauth(stream, {.hostname = "localhost", .plaintext_login = true}, users, no_tls);
  if (!login) return;
  mailbox::Options options;
  options.path = directory;
  imapd::set_summary(options);
  auto mail = mailbox::Mailbox::open(std::move(options));
  if (!mail) {
    std::fprintf(stderr, "open: %s\n", mail.error().text.c_str());
    imapd::refuse_session(stream, login->context);
    return;
  }
  imapd::PollWait wait{stream, client, -1, mail->watch()};
  imapd::run_session(stream, *mail, wait,
                     {.context = login->context,
                      .pre_read = login->pre_read,
                      .max_errors = 1000,
                      .on_failure = [](const mailbox::Failure& failure) {
                        std::fprintf(stderr, "failure: %s\n", failure.text.c_str());
                      }});
  ::shutdown(client, SHUT_RDWR);
  static_cast<void>(mail->maintain());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  ::signal(SIGCHLD, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  const Fd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 16) != 0) {
    std::perror("listen");
    return 1;
  }
  for (;;) {
    const Fd client{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!client || ::fork() != 0) continue;
    try {
      serve(client.get(), argv[2]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(0);
  }
}
