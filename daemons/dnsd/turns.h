// Whose question is next: askers take turns, and the sites that each asks about.  Pure.
//
// A site is where servers that do not answer are likely to be the same: the domain of two labels, three in a
// country with second levels of its own, or of the reverse zones a /16, of IPv6 a /32.  So whoever has
// questions about dead servers asked, as a stranger can, delays what is asked about his own site first, and
// never takes all that may be under way.  Half of what an asker may have is for sites of which nothing is
// under way: to take that too he needs a dead site for each place of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/dnsd/lookups.h"
#include "libcommon/dns/question.h"

namespace mailroom::dnsd {

class Turns {
 public:
  // Under way at the same time: of one asker, so that there is room for another; of one site of its.
  static constexpr std::size_t kMaxOfAsker = 500;
  static constexpr std::size_t kMaxOfSite = 10;
  // Of one asker, with which a site that has some gets another one.
  static constexpr std::size_t kMaxOfBusySites = kMaxOfAsker / 2;

  struct Turn {
    AskerKey asker = 0;
    dns::Question question;
    auto operator<=>(const Turn&) const = default;
  };

  void wait(const Turn& turn);
  // The next one, which counts as under way until done(); nothing when none waits that may begin.
  std::optional<Turn> next();
  void done(const Turn& turn);
  // Takes one out that waits; false when none does, as it is under way.
  bool drop(const Turn& turn);
  // That it has, under way or not.
  std::size_t questions_of(AskerKey asker) const;

 private:
  struct Site {
    std::deque<dns::Question> waiting;
    std::size_t under_way = 0;
    bool may_begin() const { return !waiting.empty() && under_way < kMaxOfSite; }
  };
  using Ready = std::deque<std::string>;  // sites that may begin one
  struct Asker {
    std::map<std::string, Site> sites;
    Ready fresh, busy;  // with none and with some under way; each site is in one of them once
    std::size_t questions = 0;
    std::size_t under_way = 0;
    bool may_begin() const {
      return fresh.empty() ? !busy.empty() && under_way < kMaxOfBusySites : under_way < kMaxOfAsker;
    }
    Ready& ready(const Site& site) { return site.under_way == 0 ? fresh : busy; }
  };

  using Askers = std::map<AskerKey, Asker>;
  using Sites = std::map<std::string, Site>;

  Turn begin(AskerKey key, Asker& asker);
  void forget_if_empty(Askers::iterator asker, Sites::iterator site);

  Askers askers_;
  AskerKey last_ = 0;  // who had the last turn
};

std::string site_of(std::string_view name);

}  // namespace mailroom::dnsd
