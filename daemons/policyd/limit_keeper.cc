#include "daemons/policyd/limit_keeper.h"

#include <algorithm>
#include <utility>

#include "daemons/state_failure.h"

namespace mailroom::policyd {
namespace {

using policy::LimitBook;
using std::chrono::seconds;

LimitBook::Time steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

LimitKeeper::LimitKeeper(event::Loop& loop, state::Directory& directory, LimitBook& book,
                         SystemClock system_clock)
    : directory_{directory}, book_{book}, system_clock_{std::move(system_clock)}, timer_{loop,
                                                                                         [this] { tick(); }} {
  restore();
  timer_.start(kLimitInterval);
}

void LimitKeeper::tick() {
  write();
  timer_.start(kLimitInterval);
}

void LimitKeeper::restore() {
  const LimitBook::Time steady = steady_now();
  const std::uint64_t now = system_clock_();
  const auto restored = [&](const state::LimitUse::Window& window) {
    const std::uint64_t age = now - std::min(window.began, now);
    return LimitBook::Use{steady - seconds{age}, window.messages, window.recipients};
  };
  for (const state::LimitUse& use : directory_.view().limit_uses()) {
    LimitBook::Uses uses;
    std::ranges::transform(use.windows, uses.begin(), restored);
    book_.restore({use.scope, use.name}, uses);
  }
}

state::LimitUse LimitKeeper::stored(const LimitBook::Key& key, const LimitBook::Uses& uses) const {
  const LimitBook::Time steady = steady_now();
  const std::uint64_t now = system_clock_();
  state::LimitUse use{.scope = key.scope, .name = key.name, .windows = {}};
  std::ranges::transform(uses, use.windows.begin(), [&](const LimitBook::Use& window) {
    const auto age = static_cast<std::uint64_t>(duration_cast<seconds>(steady - window.began).count());
    return state::LimitUse::Window{now - std::min(age, now), window.messages, window.recipients};
  });
  return use;
}

void LimitKeeper::write() try {
  const LimitBook::Changes changes = book_.changes(steady_now());
  if (changes.counted.empty() && changes.gone.empty()) return;
  auto update = directory_.update();
  for (const LimitBook::Key& key : changes.gone) update.erase_limit_use(key.scope, key.name);
  for (const auto& [key, uses] : changes.counted) update.put_limit_use(stored(key, uses));
  update.commit();
  book_.copied();
} catch (const std::exception& error) {
  on_state_failure(error);
}

bool LimitKeeper::release(const LimitBook::Key& key) {
  if (!book_.knows(key)) return false;
  auto update = directory_.update();
  update.erase_limit_use(key.scope, key.name);
  update.commit();
  return book_.release(key);
}

}  // namespace mailroom::policyd
