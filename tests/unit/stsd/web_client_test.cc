// WebClient against web servers of every kind, on loopback.
#include "daemons/stsd/web_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <thread>

#include "libcommon/routing/sts_policy.h"
#include "tests/unit/tls/test_authority.h"

using namespace mailroom;
using namespace mailroom::stsd;
using namespace std::chrono_literals;
using tls::Identity;

namespace {

const Identity& authority() {
  static const Identity made = tls::self_signed({.common_name = "Test authority", .authority = true});
  return made;
}

// How a server ends a connection: in order, without TLS's close_notify, or not before the client does.
enum class End { orderly, cut, never };

// Takes one connection on a port of the kernel's choice, and says one thing.
class WebServer {
 public:
  WebServer(const Identity& shown, std::string says, End end = End::orderly)
      : listening_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    ::signal(SIGPIPE, SIG_IGN);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listening_.get(), 1) != 0 ||
        ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no listening socket");
    port = ntohs(address.sin_port);
    serving_ = std::jthread{[this, &shown, says = std::move(says), end] { serve(shown, says, end); }};
  }
  ~WebServer() { ::shutdown(listening_.get(), SHUT_RDWR); }

  std::uint16_t port = 0;
  std::string request;  // after finish()
  void finish() { serving_.join(); }

 private:
  void serve(const Identity& shown, const std::string& says, End end) {
    const Fd connection{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection) return;
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()),
                                                                    &SSL_CTX_free};
    SSL_CTX_use_certificate(context.get(), shown.certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), shown.key.get());
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl{SSL_new(context.get()), &SSL_free};
    SSL_set_fd(ssl.get(), connection.get());
    if (SSL_accept(ssl.get()) != 1) return;
    char block[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const int size = SSL_read(ssl.get(), block, sizeof block);
      if (size <= 0) return;
      request.append(block, static_cast<std::size_t>(size));
    }
    while (request.size() < request.find("\r\n\r\n") + 4 + content_length()) {
      const int size = SSL_read(ssl.get(), block, sizeof block);
      if (size <= 0) return;
      request.append(block, static_cast<std::size_t>(size));
    }
    if (!says.empty()) SSL_write(ssl.get(), says.data(), static_cast<int>(says.size()));
    if (end == End::never) SSL_read(ssl.get(), block, sizeof block);  // nothing, until the client goes
    if (end == End::orderly) SSL_shutdown(ssl.get());
  }

  std::size_t content_length() const {
    const std::size_t at = request.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(request.substr(at + 16));
  }

  Fd listening_;
  std::jthread serving_;
};

const IpAddress kLoopback = *parse_ip_and_port("127.0.0.1:0");

// Runs one request to its end.
template <typename Result>
Result ask(std::uint16_t port, const std::function<void(WebClient&, std::function<void(Result&&)>)>& begin) {
  mailroom::event::Loop loop;
  WebClient client{loop, {authority().pem(), port, 2s}};
  std::optional<Result> result;
  begin(client, [&](Result&& came) {
    result = std::move(came);
    loop.stop();
  });
  mailroom::event::Timer patience{loop, [&] { loop.stop(); }};
  patience.start(10s);
  if (!result) loop.run();
  REQUIRE(result);
  return *result;
}

WebClient::Fetched fetch_from(std::uint16_t port, const std::vector<IpAddress>& addresses = {kLoopback},
                              const std::string& domain = "example.org") {
  return ask<WebClient::Fetched>(
      port, [&](WebClient& client, auto then) { client.fetch_policy(domain, addresses, std::move(then)); });
}

// The problem.
std::string post_to(std::uint16_t port, const std::string& report = "report",
                    const std::string& host = "mta-sts.example.org", const std::string& path = "/v1?x=%20y") {
  return ask<std::string>(port, [&](WebClient& client, auto then) {
    client.post_report(host, path, {kLoopback}, report, std::move(then));
  });
}

std::string response(const std::string& body, const std::string& status = "200 OK",
                     const std::string& type = "text/plain; charset=utf-8") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

Identity good() { return tls::signed_by(authority(), {.names = {"mta-sts.example.org"}}); }

}  // namespace

TEST_CASE("a policy file is fetched from the well-known place") {
  const Identity shown = good();
  WebServer server{shown, response("version: STSv1\n")};
  const WebClient::Fetched outcome = fetch_from(server.port);
  server.finish();
  CHECK(outcome.problem == "");
  CHECK(outcome.file == "version: STSv1\n");
  CHECK(server.request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
  CHECK(server.request.find("Host: mta-sts.example.org:" + std::to_string(server.port)) != std::string::npos);
}

TEST_CASE("RFC 8461 3.3: only 200 and text/plain count; no redirect is followed") {
  struct Row {
    std::string says;
    std::string result;
    std::string problem;
    End end = End::orderly;
  };
  const std::string fetch_error = "sts-policy-fetch-error";
  const std::string too_long(routing::kMaxStsPolicy + 1, 'x');
  const Row row = GENERATE_COPY(values<Row>({
      {response("x", "404 Not Found"), fetch_error, "HTTP status 404"},
      {response("x", "203 Hm"), fetch_error, "HTTP status 203"},
      {"HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", fetch_error,
       "HTTP status 301"},
      {response("x", "200 OK", "text/html"), fetch_error, "the policy file is not text/plain"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", fetch_error, "the policy file is not text/plain"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + too_long, "sts-policy-invalid",
       "the policy file is too long"},
      {response(too_long), fetch_error, "Maximum file size exceeded"},
      {"220 mail.example.org ESMTP\r\n", fetch_error, "Unsupported protocol"},
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf", fetch_error,
       "Transferred a partial file"},
      {"", fetch_error, "Timeout was reached", End::never},
  }));
  INFO(row.says.substr(0, 60));
  const Identity shown = good();
  WebServer server{shown, row.says, row.end};
  const WebClient::Fetched outcome = fetch_from(server.port);
  CHECK(outcome.result == row.result);
  CHECK(outcome.problem == row.problem);
  CHECK(outcome.file == "");
}

TEST_CASE("RFC 8461 3.3: the web server's certificate") {
  const Identity shown =
      GENERATE(tls::self_signed({.names = {"mta-sts.example.org"}}),
               tls::signed_by(authority(), {.names = {"www.example.org"}}),
               tls::signed_by(authority(), {.names = {"mta-sts.example.org"}, .begins = -99, .ends = -9}));
  WebServer server{shown, response("version: STSv1\n")};
  const WebClient::Fetched outcome = fetch_from(server.port);
  CHECK(outcome.result == "sts-webpki-invalid");
  CHECK(outcome.file == "");
}

TEST_CASE("nobody listens, there is no address, it is no domain") {
  std::uint16_t port = 0;
  {
    const Identity shown = good();
    WebServer server{shown, ""};
    port = server.port;
  }
  CHECK(fetch_from(port).result == "sts-policy-fetch-error");
  CHECK(fetch_from(port, {}).problem == "no address of mta-sts.example.org");
  CHECK(fetch_from(port, {kLoopback}, "a/../b").result == "sts-policy-fetch-error");
  CHECK(fetch_from(port, {kLoopback}, "").result == "sts-policy-fetch-error");
}

TEST_CASE("no request is made to a host that is a number") {
  const std::string host = GENERATE("127.0.0.1", "127.1", "0x7f.1", "2130706433", "a.0x7f");
  INFO(host);
  mailroom::event::Loop loop;
  WebClient client{loop, {authority().pem(), 1, 2s}};
  CHECK(fetch_from(1, {kLoopback}, host).problem == "no address of mta-sts." + host);
  std::string problem;
  client.post_report(host, "/", {kLoopback}, "report", [&](std::string&& what) { problem = what; });
  CHECK(problem == "no address of " + host);
}

TEST_CASE("requests at the same time are bounded, posts apart from fetches") {
  mailroom::event::Loop loop;
  WebClient client{loop, {authority().pem(), 1, 2s}};
  std::vector<std::string> refused;
  for (std::size_t i = 0; i <= kMaxReportPosts; ++i)
    client.post_report("a.example", "/", {kLoopback}, "report",
                       [&](std::string&& problem) { refused.push_back(problem); });
  CHECK(refused == std::vector<std::string>{"too many posts at the same time"});
  for (std::size_t i = 0; i < kMaxStsFetches; ++i)
    client.fetch_policy("example.org", {kLoopback},
                        [&](WebClient::Fetched&& outcome) { refused.push_back(outcome.problem); });
  CHECK(refused.size() == 1);
  client.fetch_policy("example.org", {kLoopback},
                      [&](WebClient::Fetched&& outcome) { refused.push_back(outcome.problem); });
  CHECK(refused.back() == "too many fetches at the same time");
  CHECK(refused.size() == 2);
}

TEST_CASE("RFC 8460 3: a report is posted, and any 2xx is success") {
  const Identity shown = good();
  const std::string status = GENERATE("200 OK", "201 Created", "204 No Content");
  const std::string report = std::string("\x1f\x8b\0binary", 9) + std::string(30'000, 'x');
  WebServer server{shown, response("", status)};
  CHECK(post_to(server.port, report) == "");
  server.finish();
  CHECK(server.request.starts_with("POST /v1?x=%20y HTTP/1.1\r\n"));
  CHECK(server.request.find("\r\nContent-Type: application/tlsrpt+gzip\r\n") != std::string::npos);
  CHECK(server.request.find("Expect") == std::string::npos);
  CHECK(server.request.ends_with("\r\n\r\n" + report));
}

TEST_CASE("a report that a server has not taken") {
  struct Row {
    std::string says;
    std::string problem;
    End end = End::orderly;
  };
  const Row row = GENERATE(values<Row>({
      {response("x", "404 Not Found"), "HTTP status 404"},
      {response("x", "503 Later"), "HTTP status 503"},
      {"HTTP/1.1 307 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "HTTP status 307"},
      {"HTTP/1.1 308 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "HTTP status 308"},
      {response(std::string(WebClient::kMaxAnswer + 1, 'x'), "500 Error"), "HTTP status 500"},
      {"220 mail.example.org ESMTP\r\n", "Unsupported protocol"},
      {"HTTP/1.1 503 Later\r\n\r\n", "HTTP status 503", End::cut},
      {"HTTP/1.1 102 Processing\r\n\r\n", "Timeout was reached", End::never},
      {"", "Timeout was reached", End::never},
  }));
  INFO(row.says.substr(0, 60));
  const Identity shown = good();
  WebServer server{shown, row.says, row.end};
  CHECK(post_to(server.port) == row.problem);
}

TEST_CASE("a server that has said 2xx has the report, however its response ends") {
  struct Row {
    std::string says;
    End end = End::orderly;
  };
  const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
  const Row row = GENERATE_COPY(values<Row>({
      {response(std::string(WebClient::kMaxAnswer + 1, 'x'))},
      {half},
      {"HTTP/1.1 200 OK\r\n\r\nthanks", End::cut},
      {half, End::never},
  }));
  INFO(row.says.substr(0, 60));
  const Identity shown = good();
  WebServer server{shown, row.says, row.end};
  CHECK(post_to(server.port) == "");
}

TEST_CASE("a report goes to no server that does not prove its name, and nowhere else") {
  const Identity shown = GENERATE(tls::self_signed({.names = {"mta-sts.example.org"}}),
                                  tls::signed_by(authority(), {.names = {"www.example.org"}}));
  WebServer server{shown, response("")};
  CHECK(post_to(server.port) != "");
  CHECK(post_to(server.port, "x", "127.0.0.1") == "no address of 127.0.0.1");
  CHECK(post_to(server.port, "x", "a.example", "/x y") == "no address of a.example");
  CHECK(post_to(server.port, "x", "a.example@b.example") == "no address of a.example@b.example");
  CHECK(server.request.find("report") == std::string::npos);
}
