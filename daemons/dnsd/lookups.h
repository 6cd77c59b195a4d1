// What answers single questions: libunbound, or a test.
#pragma once

#include <cstdint>
#include <functional>

#include "libcommon/dns/question.h"

namespace mailroom::dnsd {

using AskerKey = std::uint64_t;  // of a channel, never used twice

class Lookups {
 public:
  using OnAnswer = std::function<void(const dns::Answer&)>;

  virtual ~Lookups() = default;

  struct Waiting {
    std::function<bool()> is_still;  // whether an answer is waited for; when it is not, there may be none
    OnAnswer on_answer;
  };

  // Calls back once, from the loop and not from within this call; in its own time, which may be long.
  virtual void look_up(AskerKey asker, const dns::Question& question, Waiting waiting) = 0;
  // Somebody waits no longer for what that asker has asked: what waits for its turn and for nobody takes no
  // room.
  virtual void abandoned(AskerKey asker, const dns::Question& question) = 0;
};

}  // namespace mailroom::dnsd
