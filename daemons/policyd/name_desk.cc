#include "daemons/policyd/name_desk.h"

#include <algorithm>
#include <utility>

namespace mailroom::policyd {

void NameDesk::find(const IpAddress& client, Then then) {
  const IpAddress host{client.bytes, 0};
  const auto kept = kept_.find(host);
  if (kept != kept_.end() && clock_() < kept->second.until) return then(kept->second.found);
  if (const auto running = asking_.find(host); running != asking_.end()) {
    running->second->waiting.push_back(std::move(then));
    return;
  }
  if (asking_.size() >= kMaxNameQuestions) return then({});
  const auto asking = std::make_shared<Asking>();
  asking->client = host;
  asking->waiting.push_back(std::move(then));
  asking_.emplace(host, asking);
  dns_.look_up_names(host, [this, asking](const dns::Answer& ptr) { take_names(asking, ptr); });
}

void NameDesk::take_names(const std::shared_ptr<Asking>& asking, const dns::Answer& ptr) {
  asking->ptr = ptr;
  const std::vector<std::string> names = policy::names_to_ask(ptr);
  asking->answers.resize(names.size());
  asking->missing = names.size();
  if (names.empty()) return finish(asking);
  const dns::Type type = asking->client.is_v4() ? dns::Type::a : dns::Type::aaaa;
  for (std::size_t i = 0; i < names.size(); ++i)
    dns_.look_up(type, names[i], [this, asking, i](const dns::Answer& answer) {
      asking->answers[i] = answer;
      if (--asking->missing == 0) finish(asking);
    });
}

void NameDesk::finish(const std::shared_ptr<Asking>& asking) {
  asking_.erase(asking->client);
  const auto found = policy::confirm_names(asking->client, asking->ptr, asking->answers);
  keep(asking->client, found);
  for (const Then& then : std::exchange(asking->waiting, {})) then(found);
}

void NameDesk::keep(const IpAddress& client, const policy::ReverseNameFound& found) {
  const Time now = clock_();
  if (kept_.size() >= kMaxKeptNames)
    std::erase_if(kept_, [&](const auto& entry) { return entry.second.until <= now; });
  if (kept_.size() >= kMaxKeptNames) kept_.clear();  // all of them can be asked for again
  const auto ttl = std::clamp(std::chrono::seconds{found.ttl}, kMinNameTtl, kMaxNameTtl);
  kept_.insert_or_assign(client, Kept{found, now + ttl});
}

}  // namespace mailroom::policyd
