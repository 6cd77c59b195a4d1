#include "tests/authority/findings.h"

#include <cstdio>

namespace mailroom::test {
namespace {

constexpr std::size_t kMostReasons = 10;  // of one line

}  // namespace

void Findings::failed(const std::string& why) {
  if (++failures_ <= kMostReasons) reasons_ += "# " + why + "\n";
}

void Findings::report(const std::string& what) {
  std::printf("%s - %s\n%s", failures_ == 0 ? "ok" : "not ok", what.c_str(), reasons_.c_str());
  std::fflush(stdout);
  reasons_.clear();
  failures_ = 0;
}

}  // namespace mailroom::test
