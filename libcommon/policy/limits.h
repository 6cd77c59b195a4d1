// How much one speaker has sent in the minute, the hour and the day that run now, against what it may.  Pure:
// the time is given; bounded in memory, since strangers choose addresses.
//
// A window begins with the first message that falls into none, and ends after its period: so it can be said
// when more is taken.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace mailroom::policy {

// Who is counted: the account that sends, the device, or else the client's address; many people behind one
// address, in a nat network, are counted apart from single machines.
enum class LimitScope : std::uint8_t { account, device, nat, address, kLast = address };
enum class LimitUnit : std::uint8_t { messages, recipients, kLast = recipients };
enum class LimitPeriod : std::uint8_t { minute, hour, day, kLast = day };

std::string_view scope_word(LimitScope scope);
std::string_view unit_word(LimitUnit unit);
std::string_view period_word(LimitPeriod period);
// The reverse; nothing for another word.
std::optional<LimitScope> parse_scope(std::string_view word);
std::optional<LimitUnit> parse_unit(std::string_view word);
std::optional<LimitPeriod> parse_period(std::string_view word);
std::chrono::seconds length_of(LimitPeriod period);

struct LimitRow {
  LimitScope scope = LimitScope::account;
  LimitUnit unit = LimitUnit::messages;
  LimitPeriod period = LimitPeriod::hour;
  std::uint32_t soft = 0;  // above it is logged once in a window; 0: no such limit
  std::uint32_t hard = 0;  // above it nothing is taken before the window ends; 0: no such limit

  bool same_place(const LimitRow& other) const {
    return scope == other.scope && unit == other.unit && period == other.period;
  }
  bool operator==(const LimitRow&) const = default;
  static auto fields(auto& m) { return std::tie(m.scope, m.unit, m.period, m.soft, m.hard); }
};

class LimitBook {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Key {
    LimitScope scope = LimitScope::account;
    std::string name;  // of the account or device; the address as text
    auto operator<=>(const Key&) const = default;
  };
  struct Use {  // of one window
    Time began;
    std::uint32_t messages = 0;
    std::uint32_t recipients = 0;
    std::uint32_t of(LimitUnit unit) const { return unit == LimitUnit::messages ? messages : recipients; }
  };
  using Uses = std::array<Use, static_cast<std::size_t>(LimitPeriod::kLast) + 1>;  // by period

  struct Reached {
    LimitUnit unit = LimitUnit::messages;
    Time until;  // the end of the window
  };
  struct Line {  // for listing
    Key key;
    LimitPeriod period = LimitPeriod::hour;
    Use use;
  };

  explicit LimitBook(std::vector<LimitRow> rows, std::size_t max_keys = 65'536)
      : rows_{std::move(rows)}, max_keys_{max_keys} {}

  // Counts go on.
  void set_rows(std::vector<LimitRow> rows) { rows_ = std::move(rows); }
  std::span<const LimitRow> rows() const { return rows_; }

  // Those for this speaker: its own, and the general ones of other places.
  std::vector<LimitRow> rows_for(const Key& key, std::span<const LimitRow> own) const;

  // The hard limit that one recipient more, and perhaps one message more, would break; the one that ends
  // last. `own` are rows of this speaker alone, which go before the general ones of the same place.
  std::optional<Reached> reached(const Key& key, unsigned new_messages, Time now,
                                 std::span<const LimitRow> own = {}) const;

  // Notes one recipient, and the message when it is its first.  Gives the soft limits that are thereby
  // passed.
  std::vector<LimitRow> count(const Key& key, unsigned new_messages, Time now,
                              std::span<const LimitRow> own = {});

  bool knows(const Key& key) const { return book_.contains(key); }
  // False when nothing was counted for it.
  bool release(const Key& key);

  // Windows that run now, in the order of keys, from the first key after `after`; at most `max` keys' worth.
  std::vector<Line> lines_after(const std::optional<Key>& after, std::size_t max, Time now) const;

  // For whoever keeps a copy beyond the process: what is counted now of those that have changed since the
  // copy was made, and who of those in the copy is not counted any more.  Lets go of what has run out.
  struct Changes {
    std::vector<std::pair<Key, Uses>> counted;
    std::vector<Key> gone;
  };
  Changes changes(Time now);
  // The copy has all that changes() has just given.  Until that is said they are given again.
  void copied();
  // From the copy, in place of what is there.
  void restore(const Key& key, const Uses& uses) { book_[key] = {uses, false, true}; }

 private:
  struct Entry {
    Uses uses;
    bool changed = true;   // since copied()
    bool in_copy = false;  // copied() has said so, or restore() brought it
  };
  using Book = std::map<Key, Entry>;

  Book::iterator forget(Book::iterator entry);
  void forget_run_out(Time now);
  void make_room(Time now);

  std::vector<LimitRow> rows_;
  std::size_t max_keys_;
  Book book_;
  std::vector<Key> gone_;  // that the copy has
};

}  // namespace mailroom::policy
