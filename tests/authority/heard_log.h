// What a process writes into its log, as the test hears it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/sys/fd.h"

namespace mailroom::test {

class HeardLog {
 public:
  HeardLog();

  // For the process; to be closed here when it has it.
  Fd& writing_end() { return writing_; }

  // Takes what has been said, so that the process never waits for the test.
  void hear();
  // How many lines of that event there were.
  std::size_t lines(std::string_view event) const;
  // How often it has said that a peer broke the rules.
  std::size_t complaints() const { return lines("peer-misbehaved") + lines("channel-closed"); }
  // What was heard since they were taken last; kept from the first time that they are.
  std::vector<std::string> take_lines();
  // The last lines, to explain a failure.
  const std::string& last_words() const { return last_words_; }

 private:
  void take(const std::string& line);

  Fd reading_, writing_;
  std::string unfinished_;
  std::string last_words_;
  bool keeps_ = false;
  std::vector<std::string> kept_;
  std::map<std::string, std::size_t, std::less<>> lines_;  // by event
};

}  // namespace mailroom::test
