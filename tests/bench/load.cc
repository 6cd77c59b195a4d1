// A small load generator: connections in sequence from several threads at once.
//
//   load smtp PORT DOMAIN MESSAGES SESSIONS OCTETS PER-CONNECTION   to u0001@DOMAIN ... u0100@DOMAIN in turn
//   load pop3 PORT LOGINS SESSIONS                                  USER, PASS, QUIT of these accounts
//
// Prints operations per second.  It waits for each reply, and gives up at the first that is not as it should
// be.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "libcommon/sys/fd.h"

namespace {

constexpr int kAccounts = 100;
constexpr const char* kPassword = "secret";  // of mr-sandbox --accounts

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("connect");
  }

  // Reads one reply, which may have several lines ("250-..."), and looks at how it begins.
  void expect(std::string_view start) {
    std::string line = read_line();
    while (line.size() > 3 && line[3] == '-' && line.starts_with(start)) line = read_line();
    if (!line.starts_with(start)) throw std::runtime_error("the server said " + line);
  }
  void command(const std::string& text, std::string_view start) {
    if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("send");
    expect(start);
  }

 private:
  std::string read_line() {
    for (;;) {
      if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end + 1);
        buffer_.erase(0, end + 1);
        return line;
      }
      char some[4096];
      const ssize_t got = ::recv(socket_.get(), some, sizeof some, 0);
      if (got <= 0) throw std::runtime_error("the server has closed");
      buffer_.append(some, static_cast<std::size_t>(got));
    }
  }

  mailroom::Fd socket_;
  std::string buffer_;
};

std::string content_of(std::size_t octets) {
  std::string content = "From: load@client.test\r\nSubject: load\r\n\r\n";
  while (content.size() < octets)
    content += "A line of a message that is as long as its lines usually are.\r\n";
  return content + ".\r\n";
}

std::string account(int number) { return fmt::format("u{:04}", number % kAccounts + 1); }

void send_messages(std::uint16_t port, const std::string& domain, const std::string& content, int first,
                   int count) {
  Client client{port};
  client.expect("220");
  client.command("EHLO client.test\r\n", "250");
  for (int number = first; number < first + count; ++number) {
    client.command("MAIL FROM:<load@client.test>\r\n", "250");
    client.command(fmt::format("RCPT TO:<{}@{}>\r\n", account(number), domain), "250");
    client.command("DATA\r\n", "354");
    client.command(content, "250");
  }
  client.command("QUIT\r\n", "221");
}

void log_in(std::uint16_t port, int number) {
  Client client{port};
  client.expect("+OK");
  client.command("USER " + account(number) + "\r\n", "+OK");
  client.command(fmt::format("PASS {}\r\n", kPassword), "+OK");
  client.command("QUIT\r\n", "+OK");
}

// Calls work(first) for first = 0, step, 2 step ... below `total`, in so many threads.
template <typename Work>
void in_threads(int threads, int total, int step, const Work& work) {
  std::atomic<int> next{0};
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&] {
      try {
        for (int first = next.fetch_add(step); first < total; first = next.fetch_add(step)) work(first);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        std::_Exit(1);
      }
    });
}

int run(const std::vector<std::string>& words) {
  const auto begin = std::chrono::steady_clock::now();
  const auto number = [&](std::size_t at) { return std::stoi(words.at(at)); };
  const auto port = static_cast<std::uint16_t>(number(1));
  int total = 0;
  if (words.at(0) == "smtp") {
    total = number(3);
    const std::string content = content_of(static_cast<std::size_t>(number(5)));
    in_threads(number(4), total, number(6), [&](int first) {
      send_messages(port, words.at(2), content, first, std::min(number(6), total - first));
    });
  } else {
    total = number(2);
    in_threads(number(3), total, 1, [&](int first) { log_in(port, first); });
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f\n", total / took.count());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run({words + 1, words + count});
  } catch (const std::exception&) {
    std::fputs("usage: load smtp PORT DOMAIN MESSAGES SESSIONS OCTETS PER-CONNECTION | load pop3 PORT LOGINS "
               "SESSIONS\n",
               stderr);
    return 2;
  }
}
