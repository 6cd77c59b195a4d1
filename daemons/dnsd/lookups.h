// What answers single questions: libunbound, or a test.
#pragma once

#include <functional>

#include "libcommon/dns/question.h"

namespace mailroom::dnsd {

class Lookups {
 public:
  using OnAnswer = std::function<void(const dns::Answer&)>;

  virtual ~Lookups() = default;

  // Calls back once, from the loop and not from within this call; in its own time, which may be long.
  virtual void look_up(const dns::Question& question, OnAnswer on_answer) = 0;
};

}  // namespace mailroom::dnsd
