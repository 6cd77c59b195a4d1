// stsd's channel to policyd.
#include "daemons/stsd/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/unit/daemon_host.h"

using namespace mailroom;
using namespace std::chrono_literals;

namespace {

using Policyd = test::FarEnd<PolicydToStsd, StsdToPolicyd>;

// Takes connections, and says nothing.
class SilentServer {
 public:
  SilentServer() : listening_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listening_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listening_.get(), 8) != 0 ||
        ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no listening socket");
    port = ntohs(address.sin_port);
  }
  std::uint16_t port = 0;

 private:
  Fd listening_;
};

class Stsd : public test::DaemonHost {
 public:
  Stsd() {
    launch.config.stsd.port = web_.port;
    launch.config.stsd.timeout = 300ms;
    server.before_jail();
  }
  Policyd attach(const std::string& peer) {
    auto [near, far] = ipc::make_channel();
    server.attach("policyd-stsd", peer, std::move(near));
    return Policyd{std::move(far)};
  }

  stsd::Server server{host};

 private:
  SilentServer web_;
};

}  // namespace

TEST_CASE("What a policyd that is gone has asked is not answered to the next") {
  Stsd stsd;
  const auto addresses = std::vector{*parse_ip_and_port("127.0.0.1:0")};
  Policyd first = stsd.attach("policyd#1");
  first.send(FetchStsFile{1, "first.example", addresses});
  first.send(PostTlsReport{2, "reports.first.example", "/v1", addresses, "report"});
  stsd.pump();
  first.close();
  Policyd second = stsd.attach("policyd#2");
  stsd.pump();
  second.send(FetchStsFile{3, "second.example", addresses});

  std::optional<StsdToPolicyd> answer;
  for (int turn = 0; turn < 1'000 && !answer; ++turn) {
    stsd.pump(10ms);
    answer = second.next();
  }
  REQUIRE(answer);
  REQUIRE(std::holds_alternative<StsFileFetched>(*answer));
  CHECK(std::get<StsFileFetched>(*answer).question == 3);
}
