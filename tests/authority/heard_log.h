// What a process writes into its log, as the test hears it.
#pragma once

#include <cstddef>
#include <string>

#include "libcommon/sys/fd.h"

namespace mailroom::test {

class HeardLog {
 public:
  HeardLog();

  // For the process; to be closed here when it has it.
  Fd& writing_end() { return writing_; }

  // Takes what has been said, so that the process never waits for the test.
  void hear();
  // How often it has said that a peer broke the rules (peer-misbehaved, channel-closed).
  std::size_t complaints() const { return complaints_; }
  // The last lines, to explain a failure.
  const std::string& last_words() const { return last_words_; }

 private:
  void take(const std::string& line);

  Fd reading_, writing_;
  std::string unfinished_;
  std::string last_words_;
  std::size_t complaints_ = 0;
};

}  // namespace mailroom::test
