// The one door to libunbound: a validating resolver with a cache in the event loop, without threads.
//
// libunbound's caches bound themselves by dnsd.cache-size; sockets, questions in flight and aliases are
// bounded here and by its own settings.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemons/config.h"
#include "daemons/dnsd/lookups.h"
#include "daemons/dnsd/turns.h"
#include "libcommon/event/loop.h"

struct ub_ctx;

namespace mailroom::dnsd {

class Resolver final : public Lookups {
 public:
  // Questions that libunbound works on at the same time; more wait for their turn.
  static constexpr std::size_t kMaxInFlight = 1'000;
  // Of one asker, with those that wait; further ones fail.
  static constexpr std::size_t kMaxAsked = 10'000;

  // Sets everything up that ever needs more than sockets, so that a filter can close behind it.  Throws
  // std::runtime_error.
  Resolver(event::Loop& loop, const DnsdConfig& config);
  ~Resolver() override;

  // Equal questions of an asker at the same time are asked once, and in its turn; what nobody waits for by
  // then is not asked.
  void look_up(AskerKey asker, const dns::Question& question, Waiting waiting) override;
  // What libunbound works on already comes to its end, however long that takes.
  void abandoned(AskerKey asker, const dns::Question& question) override;

 private:
  struct Asked {
    Resolver* resolver;
    Turns::Turn turn;
    std::vector<Waiting> waiting;
    bool is_waited_for() const;
  };
  struct Close {
    void operator()(ub_ctx* context) const;
  };

  static void on_result(void* asked, int code, void* packet, int size, int security, char* why_bogus,
                        int limited);
  void begin_next();
  void begin(Asked& asked);
  void finish(Asked& asked, dns::Answer answer);
  void deliver();

  std::unique_ptr<ub_ctx, Close> context_;
  std::map<Turns::Turn, Asked> asked_;  // in flight or waiting; stable addresses
  Turns turns_;
  std::size_t in_flight_ = 0;
  std::deque<std::pair<std::vector<Waiting>, dns::Answer>> finished_;
  event::Timer deliver_;
};

}  // namespace mailroom::dnsd
