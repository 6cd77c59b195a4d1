// The names of clients by forward-confirmed reverse DNS, kept as long as the DNS allows.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "daemons/base/dns_client.h"
#include "libcommon/policy/reverse_name.h"

namespace mailroom::policyd {

inline constexpr std::size_t kMaxKeptNames = 20'000;     // addresses; strangers choose them
inline constexpr std::size_t kMaxNameQuestions = 1'000;  // addresses asked about at the same time
inline constexpr std::chrono::seconds kMinNameTtl{
    30};  // also of failures, so that a broken zone is not asked ever again
inline constexpr std::chrono::seconds kMaxNameTtl{3'600};

class NameDesk {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Then = std::function<void(const policy::ReverseNameFound&)>;

  using SteadyClock = std::function<Time()>;

  explicit NameDesk(DnsClient& dns, SteadyClock clock = std::chrono::steady_clock::now)
      : dns_{dns}, clock_{std::move(clock)} {}

  // Calls back once, at once for what is kept, else later.  Too many questions at the same time: unknown.
  void find(const IpAddress& client, Then then);

 private:
  struct Kept {
    policy::ReverseNameFound found;
    Time until;
  };
  struct Asking {
    IpAddress client;
    dns::Answer ptr;
    std::vector<dns::Answer> answers;  // in the order of the names
    std::size_t missing = 0;
    std::vector<Then> waiting;
  };

  void take_names(const std::shared_ptr<Asking>& asking, const dns::Answer& ptr);
  void finish(const std::shared_ptr<Asking>& asking);
  void keep(const IpAddress& client, const policy::ReverseNameFound& found);

  DnsClient& dns_;
  SteadyClock clock_;
  std::map<IpAddress, Kept> kept_;
  std::map<IpAddress, std::shared_ptr<Asking>> asking_;
};

}  // namespace mailroom::policyd
