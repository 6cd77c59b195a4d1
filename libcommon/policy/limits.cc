#include "libcommon/policy/limits.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mailroom::policy {
namespace {

constexpr std::array<std::string_view, 4> kScopes{"account", "device", "nat", "address"};
constexpr std::array<std::string_view, 2> kUnits{"messages", "recipients"};
constexpr std::array<std::string_view, 3> kPeriods{"minute", "hour", "day"};

template <typename E, std::size_t N>
std::optional<E> parse_word(const std::array<std::string_view, N>& words, std::string_view word) {
  static_assert(N == static_cast<std::size_t>(E::kLast) + 1);
  const auto found = std::ranges::find(words, word);
  if (found == words.end()) return std::nullopt;
  return static_cast<E>(found - words.begin());
}

bool runs(const LimitBook::Use& use, LimitPeriod period, LimitBook::Time now) {
  return use.messages + use.recipients > 0 && now < use.began + length_of(period);
}

const LimitBook::Use& use_of(const LimitBook::Uses& uses, LimitPeriod period) {
  return uses[static_cast<std::size_t>(period)];
}

}  // namespace

std::string_view scope_word(LimitScope scope) { return kScopes[static_cast<std::size_t>(scope)]; }
std::string_view unit_word(LimitUnit unit) { return kUnits[static_cast<std::size_t>(unit)]; }
std::string_view period_word(LimitPeriod period) { return kPeriods[static_cast<std::size_t>(period)]; }

std::optional<LimitScope> parse_scope(std::string_view word) { return parse_word<LimitScope>(kScopes, word); }
std::optional<LimitUnit> parse_unit(std::string_view word) { return parse_word<LimitUnit>(kUnits, word); }
std::optional<LimitPeriod> parse_period(std::string_view word) {
  return parse_word<LimitPeriod>(kPeriods, word);
}

std::chrono::seconds length_of(LimitPeriod period) {
  switch (period) {
  case LimitPeriod::minute:
    return std::chrono::minutes{1};
  case LimitPeriod::hour:
    return std::chrono::hours{1};
  case LimitPeriod::day:
    return std::chrono::days{1};
  }
  return std::chrono::days{1};
}

std::vector<LimitRow> LimitBook::rows_for(const Key& key, std::span<const LimitRow> own) const {
  std::vector<LimitRow> rows{own.begin(), own.end()};
  for (const LimitRow& row : rows_) {
    const auto same = [&](const LimitRow& other) { return other.same_place(row); };
    if (row.scope == key.scope && std::ranges::none_of(own, same)) rows.push_back(row);
  }
  return rows;
}

std::optional<LimitBook::Reached> LimitBook::reached(const Key& key, unsigned new_messages, Time now,
                                                     std::span<const LimitRow> own) const {
  const auto found = book_.find(key);
  std::optional<Reached> worst;
  for (const LimitRow& row : rows_for(key, own)) {
    const unsigned more = row.unit == LimitUnit::messages ? new_messages : 1;
    if (row.hard == 0 || more == 0) continue;
    Use use{.began = now};
    if (found != book_.end() && runs(use_of(found->second.uses, row.period), row.period, now))
      use = use_of(found->second.uses, row.period);
    if (use.of(row.unit) + more <= row.hard) continue;
    const Time until = use.began + length_of(row.period);
    if (!worst || until > worst->until) worst = {row.unit, until};
  }
  return worst;
}

std::vector<LimitRow> LimitBook::count(const Key& key, unsigned new_messages, Time now,
                                       std::span<const LimitRow> own) {
  const std::vector<LimitRow> rows = rows_for(key, own);
  if (rows.empty()) return {};
  if (book_.size() >= max_keys_ && !book_.contains(key)) make_room(now);
  Entry& entry = book_[key];
  entry.changed = true;
  Uses& uses = entry.uses;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    if (!runs(uses[i], static_cast<LimitPeriod>(i), now)) uses[i] = {.began = now};
    uses[i].messages += new_messages;
    uses[i].recipients += 1;
  }
  std::vector<LimitRow> passed;
  for (const LimitRow& row : rows) {
    const unsigned more = row.unit == LimitUnit::messages ? new_messages : 1;
    const std::uint32_t used = use_of(uses, row.period).of(row.unit);
    if (row.soft != 0 && used > row.soft && used - more <= row.soft) passed.push_back(row);
  }
  return passed;
}

bool LimitBook::release(const Key& key) {
  const auto entry = book_.find(key);
  if (entry == book_.end()) return false;
  forget(entry);
  return true;
}

LimitBook::Book::iterator LimitBook::forget(Book::iterator entry) {
  if (entry->second.in_copy) gone_.push_back(entry->first);
  return book_.erase(entry);
}

void LimitBook::forget_run_out(Time now) {
  for (auto entry = book_.begin(); entry != book_.end();)
    entry = runs(use_of(entry->second.uses, LimitPeriod::day), LimitPeriod::day, now) ? std::next(entry)
                                                                                      : forget(entry);
}

LimitBook::Changes LimitBook::changes(Time now) {
  forget_run_out(now);
  Changes changes{{}, gone_};
  for (const auto& [key, entry] : book_)
    if (entry.changed) changes.counted.emplace_back(key, entry.uses);
  return changes;
}

void LimitBook::copied() {
  gone_.clear();
  for (auto& [key, entry] : book_) {
    entry.changed = false;
    entry.in_copy = true;
  }
}

// What has run out goes first; then, so that nobody can stop the counting with many addresses, whoever comes
// first in the order of keys from the end, which is addresses.
void LimitBook::make_room(Time now) {
  forget_run_out(now);
  while (book_.size() >= max_keys_) forget(std::prev(book_.end()));
}

std::vector<LimitBook::Line> LimitBook::lines_after(const std::optional<Key>& after, std::size_t max,
                                                    Time now) const {
  std::vector<Line> lines;
  auto entry = after ? book_.upper_bound(*after) : book_.begin();
  for (; entry != book_.end() && lines.size() + std::tuple_size_v<Uses> <= max; ++entry) {
    const Uses& uses = entry->second.uses;
    for (std::size_t i = 0; i < uses.size(); ++i)
      if (const auto period = static_cast<LimitPeriod>(i); runs(uses[i], period, now))
        lines.push_back({entry->first, period, uses[i]});
  }
  return lines;
}

}  // namespace mailroom::policy
