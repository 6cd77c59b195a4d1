// What a program of the test has found, as lines of TAP without numbers: "ok - WHAT" or "not ok - WHAT", with
// a "# WHY" for each thing that was wrong.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace mailroom::test {

class Findings {
 public:
  // Makes the line that is reported next "not ok".
  void failed(const std::string& why);
  void report(const std::string& what);

 private:
  std::string reasons_;
  std::size_t failures_ = 0;
};

// All that the program does.  What ends it early is a line "not ok - PROGRAM: WHY", and 2.
int report_end(const char* program, const std::function<int()>& all);

}  // namespace mailroom::test
