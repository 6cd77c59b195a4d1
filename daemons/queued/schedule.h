// When what is attempted: a pure function of (state, event, time).  Nothing here knows of channels, disks or
// clocks.
//
// A message has a visit for each destination that it is for: the local mailboxes, a fixed route, the domain
// of an MX record.  A visit waits until it is due, is then ready, and is under way once next() has given it
// out, until finished(), deferred() or put_back() says what came of it.
//
// Fairness: destinations take turns; within one, its senders take turns, and of one sender what is new and
// what is tried again.  Destinations that have not worked yet, or failed last, share three quarters of what
// may be under way, and there their senders take turns (trial_turns.h).  A message with a thousand targets, a
// sender with a hundred thousand messages or destinations that are dead or silent delay nobody else.  Every
// event costs the logarithm of what waits, at most.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "daemons/channels/types.h"
#include "daemons/queued/destination.h"
#include "daemons/queued/trial_turns.h"

namespace mailroom::queued {

class Schedule {
 public:
  struct Limits {
    std::vector<Microseconds> waits;     // after each failed attempt; the last one repeats; never empty
    std::uint32_t local = 256;           // local visits under way
    std::uint32_t per_destination = 20;  // visits under way to one other destination
    std::uint32_t remote = 200;          // to all of them together
    Microseconds lifetime = 0;           // of a message
    Microseconds delay_warning = 0;      // after which the sender hears of the delay; 0: never
  };

  // Where a message is to go, and how far that has come.
  struct Visit {
    DestinationNumber destination = 0;
    Microseconds due = 0;
    std::uint32_t attempts = 0;
  };
  enum class State : std::uint8_t { waiting, held };
  struct NewMessage {
    QueueId id = 0;
    SenderKey sender = 0;
    Microseconds arrived = 0;
    State state = State::waiting;
    bool warned = false;
    bool fresh = false;         // it has just come
    std::vector<Visit> visits;  // of different destinations; not empty
  };
  struct Given {
    QueueId id = 0;
    DestinationNumber destination = 0;
    auto operator<=>(const Given&) const = default;
  };

  explicit Schedule(Limits limits, std::uint64_t seed = 0);
  void set_limits(Limits limits);

  // The number of that destination, never used for another.
  DestinationNumber destination(const std::string& key, DestinationKind kind = DestinationKind::remote);
  const Destination* find(DestinationNumber number) const;
  std::optional<DestinationNumber> find(const std::string& key) const;

  // A message is in the queue.  It is given at least kGrace from now on, whatever its age; only the warning
  // about a fresh one comes when it is due.
  static constexpr Microseconds kGrace = 600'000'000;
  void add(const NewMessage& message, Microseconds now);
  // It is gone; what is said about its visits afterwards is ignored.
  void remove(QueueId id);

  // An operator's wishes; false when there is no such message or destination.  A visit that is under way goes
  // on to its end.
  bool hold(QueueId id);
  bool release(QueueId id, Microseconds now);
  bool retry(QueueId id, Microseconds now);
  void hold_destination(const std::string& key);  // also before there is anything for it
  bool release_destination(const std::string& key, Microseconds now);
  bool retry_destination(const std::string& key, Microseconds now);

  // The next visit to make now, of the kinds that can be made now.
  struct Able {
    bool local = true;
    bool remote = true;
  };
  std::optional<Given> next(Microseconds now, Able able);

  // What came of it.  Each returns false or nothing, and changes nothing, when that visit is not under way.
  // The visit is over for good; the message stays until remove().
  bool finished(const Given& visit);
  // The message was not taken for now.  Returns when it is tried again.
  std::optional<Visit> deferred(const Given& visit, Microseconds now);
  // It was not attempted: first in the line of its destination again.
  bool put_back(const Given& visit, Microseconds now);

  // Something has been heard from the destination; or no connection to it came about, or one broke.
  void worked(DestinationNumber number);
  void failed(DestinationNumber number, Microseconds now);

  // A message whose time is over, or whose sender is to hear of its delay; each is given once.  One that has
  // expired is visited no more: remove() or hold() must follow.  While a destination of it is held, its time
  // does not end.
  enum class Deadline : std::uint8_t { warning, expiry };
  struct Overdue {
    QueueId id = 0;
    Deadline deadline{};
    auto operator<=>(const Overdue&) const = default;
  };
  std::optional<Overdue> take_overdue(Microseconds now);

  // When next() or take_overdue() may give something, if no event comes before.
  std::optional<Microseconds> next_event();

  // Forgets destinations that nothing has been for since the last call, and says which.
  std::vector<DestinationNumber> forget_unused();

  std::size_t size() const { return messages_.size(); }
  std::size_t held() const { return held_; }
  bool knows(QueueId id) const { return messages_.contains(id); }
  bool has_visits(QueueId id) const;
  bool is_active(QueueId id) const;
  bool is_held(QueueId id) const;
  bool is_warned(QueueId id) const;  // or is never to be
  bool is_expired(QueueId id) const;
  std::uint32_t remote_active() const { return remote_active_; }
  // For operators: of one message, and of one destination.
  std::vector<Visit> visits(QueueId id) const;
  const std::unordered_map<DestinationNumber, Destination>& destinations() const { return destinations_; }
  std::uint32_t waiting_for(DestinationNumber number) const;

 private:
  using VisitNumber = std::uint32_t;
  static constexpr VisitNumber kNone = UINT32_MAX;
  enum class Stage : std::uint8_t {
    waiting,  // in `waiting_` under its due time
    ready,    // in a lane of its destination
    parked,   // held, and in neither
    active,
    gone,  // of a message that was removed: still in a lane
    free
  };
  struct Job {
    QueueId id = 0;
    Microseconds due = 0;
    DestinationNumber destination = 0;
    SenderKey sender = 0;
    VisitNumber next_in_lane = kNone;
    VisitNumber sibling = kNone;  // of the same message
    std::uint32_t attempts = 0;
    Stage stage = Stage::free;
    bool is_trial = false;  // under way by a turn of `trials_`
  };
  struct Message {
    Microseconds expires = 0;
    Microseconds warns = 0;     // 0: not any more
    Microseconds deadline = 0;  // when it is to be looked at: its valid entry in `deadlines_`; 0: never
    VisitNumber first = kNone;
    std::uint16_t active = 0;
    bool held = false;
    bool expired = false;
  };
  // Visits of one sender to one destination that are ready, new or tried again.
  struct Lane {
    static std::uint64_t key_of(SenderKey sender, std::uint32_t attempts) {
      return std::uint64_t{sender} << 1 | (attempts > 0 ? 1 : 0);
    }
    SenderKey sender() const { return static_cast<SenderKey>(key >> 1); }

    std::uint64_t key = 0;
    VisitNumber first = kNone;
    VisitNumber last = kNone;
    std::uint64_t served = 0;  // when it last had its turn, in turns of its destination
  };
  using Lanes = std::list<Lane>;
  struct Line {   // of a destination
    Lanes lanes;  // the first one's turn is next
    std::unordered_map<std::uint64_t, Lanes::iterator> by_key;
    std::unordered_set<SenderKey> on_trial;  // senders that have a turn for it in `trials_`
    std::uint64_t turns = 0;
    std::uint32_t jobs = 0;  // in any stage
    bool in_turn = false;    // in `local_turns_` or `remote_turns_`
    bool used = true;        // since the last forget_unused()
  };
  template <typename T>
  using Times = std::priority_queue<std::pair<Microseconds, T>, std::vector<std::pair<Microseconds, T>>,
                                    std::greater<>>;

  enum class Place : std::uint8_t { front, back };

  VisitNumber new_job(const Job& job);
  void free_job(VisitNumber number);
  VisitNumber active_job(const Given& visit) const;
  void end_visit(VisitNumber number);
  void drop_job(VisitNumber number);
  void wait(VisitNumber number, Microseconds due);
  void make_ready(VisitNumber number, Place place);
  static Lane& lane_of(Line& line, const Job& job, Place place);
  VisitNumber take_from(Line& line, Lanes::iterator lane);
  std::optional<VisitNumber> take_visit(Line& line, Lanes::iterator lane);
  std::optional<VisitNumber> take_ready(Line& line);
  std::optional<VisitNumber> take_ready_of(Line& line, SenderKey sender);
  static bool is_trial(const Destination& destination);
  void offer(DestinationNumber number);
  bool offer_trial(Line& line, const TrialTurns::Turn& turn);
  std::optional<Given> take_turn(std::deque<DestinationNumber>& turns);
  std::optional<Given> take_trial();
  std::optional<Given> take_remote();
  Given begin(VisitNumber number);
  void wake(Microseconds now);
  void unblock(DestinationNumber number);
  bool is_visited(const Message& message) const { return !message.held && !message.expired; }
  bool waits_for_operator(const Message& message) const;
  void set_held(Message& message, bool held);
  void set_deadline(QueueId id, Message& message, Microseconds not_before);
  void visit_ended(const Given& visit, Microseconds now);
  std::uint32_t most(const Destination& destination) const;
  bool is_valid(Microseconds due, VisitNumber number) const;
  bool is_valid(Microseconds time, QueueId id) const;
  void drop_stale();

  Limits limits_;
  std::uint64_t seed_;
  std::unordered_map<QueueId, Message> messages_;
  std::size_t held_ = 0;  // of them
  std::deque<Job> jobs_;
  std::vector<VisitNumber> free_jobs_;
  Times<VisitNumber> waiting_;
  Times<QueueId> deadlines_;
  Times<DestinationNumber> blocked_;
  std::unordered_map<DestinationNumber, Destination> destinations_;
  std::unordered_map<DestinationNumber, Line> lines_;
  std::map<std::string, DestinationNumber> numbers_;  // strangers choose them: no hash table
  DestinationNumber last_number_ = 0;
  std::deque<DestinationNumber> local_turns_;
  std::deque<DestinationNumber> remote_turns_;
  TrialTurns trials_;
  std::uint32_t remote_active_ = 0;
  bool turn_of_remote_ = false;
  bool turn_of_trials_ = false;
};

}  // namespace mailroom::queued
