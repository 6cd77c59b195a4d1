#include "tests/authority/findings.h"

#include <cstdio>
#include <exception>

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

int report_end(const char* program, const std::function<int()>& all) {
  try {
    return all();
  } catch (const std::exception& error) {
    std::printf("not ok - %s: %s\n", program, error.what());
    return 2;
  }
}

}  // namespace mailroom::test
