#include "spool/queue/index.h"

#include <algorithm>

namespace mailroom::queue {
namespace {

void add_finished(std::vector<std::uint32_t>& finished, const std::vector<std::uint32_t>& more) {
  for (const std::uint32_t number : more) {
    const auto at = std::ranges::lower_bound(finished, number);
    if (at == finished.end() || *at != number) finished.insert(at, number);
  }
}

// Applies what a status record says; records of the log's own say nothing of a message.
struct StatusChange {
  Entry& entry;
  Place place;

  void operator()(const Attempted& attempted) const {
    entry.attempts = attempted.attempts;
    entry.next_attempt = attempted.next_attempt;
    entry.status = place;
    add_finished(entry.finished, attempted.finished);
  }
  void operator()(const Held&) const {
    entry.held = true;
    entry.status = place;
  }
  void operator()(const Released&) const { entry.held = false; }
  void operator()(const auto&) const {}
};

}  // namespace

Place make_place(SegmentNumber segment, std::uint64_t offset) {
  return {segment, static_cast<std::uint32_t>(offset / kRecordAlignment)};
}

void Index::apply(const PlacedRecord& placed, const Record& record) {
  highest_ = std::max(highest_, placed.id);
  if (const auto* accepted = std::get_if<Accepted>(&record)) return accept(placed, *accepted);
  if (std::holds_alternative<Finished>(record) || std::holds_alternative<Removed>(record))
    return forget(placed.id);
  const auto found = entries_.find(placed.id);
  if (found != entries_.end()) std::visit(StatusChange{found->second, placed.place}, record);
}

void Index::accept(const PlacedRecord& placed, const Accepted& accepted) {
  forget(placed.id);
  Entry entry{.accepted = placed.place,
              .status = placed.place,
              .content_length = accepted.content_length,
              .arrived = accepted.arrived,
              .next_attempt = accepted.progress.next_attempt,
              .log_size = static_cast<std::uint32_t>(placed.size),
              .attempts = accepted.progress.attempts,
              .targets = static_cast<std::uint32_t>(accepted.envelope.targets.size()),
              .held = accepted.progress.held,
              .content_in_file = accepted.content_in_file,
              .finished = accepted.progress.finished};
  for (Live* live : {&live_[placed.place.segment], &total_}) {
    ++live->messages;
    live->octets += placed.size;
  }
  entries_.emplace(placed.id, std::move(entry));
}

void Index::forget(Id id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  count_out(found->second);
  entries_.erase(found);
}

void Index::count_out(const Entry& entry) {
  const auto of_segment = live_.find(entry.accepted.segment);
  for (Live* live : {&of_segment->second, &total_}) {
    --live->messages;
    live->octets -= entry.log_size;
  }
  if (of_segment->second.messages == 0) live_.erase(of_segment);
}

const Entry* Index::find(Id id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

Index::Live Index::live(SegmentNumber segment) const {
  const auto found = live_.find(segment);
  return found == live_.end() ? Live{} : found->second;
}

}  // namespace mailroom::queue
