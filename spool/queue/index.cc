#include "spool/queue/index.h"

#include <algorithm>
#include <utility>

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
    for (const std::uint32_t number : attempted.parts) {
      if (number >= entry.parts.size()) continue;
      Part& part = entry.parts[number];
      part.attempts = attempted.progress.attempts;
      part.next_attempt = attempted.progress.next_attempt;
      part.status = place;
    }
    add_finished(entry.finished, attempted.finished);
  }
  void operator()(const Held&) const {
    entry.held = true;
    entry.held_by = place;
  }
  void operator()(const Released&) const { entry.held = false; }
  void operator()(const Warned&) const { entry.warned = true; }
  void operator()(const auto&) const {}
};

const std::string& sender_of(const Envelope& envelope) {
  return envelope.submitter.empty() ? envelope.reverse_path : envelope.submitter;
}

}  // namespace

std::uint32_t Index::Texts::take(std::string_view text) {
  const auto [at, is_new] = numbers_.try_emplace(std::string{text}, 0);
  if (is_new && free_.empty()) {
    at->second = static_cast<std::uint32_t>(used_.size());
    used_.emplace_back();
  } else if (is_new) {
    at->second = free_.back();
    free_.pop_back();
  }
  Used& used = used_[at->second];
  used.text = &at->first;
  ++used.count;
  return at->second;
}

void Index::Texts::give_back(std::uint32_t number) {
  Used& used = used_.at(number);
  if (--used.count > 0) return;
  numbers_.erase(*used.text);
  used.text = nullptr;
  free_.push_back(number);
}

Place make_place(SegmentNumber segment, std::uint64_t offset) {
  return {segment, static_cast<std::uint32_t>(offset / kRecordAlignment)};
}

void Index::apply(const PlacedRecord& placed, const Record& record) {
  highest_ = std::max(highest_, placed.id);
  if (const auto* accepted = std::get_if<Accepted>(&record)) return accept(placed, *accepted);
  if (std::holds_alternative<Finished>(record) || std::holds_alternative<Removed>(record)) {
    owed_.erase(placed.id);
    return forget(placed.id);
  }
  if (const auto* owed = std::get_if<Owed>(&record)) return note_owed(placed.id, *owed);
  const auto found = entries_.find(placed.id);
  if (found != entries_.end()) std::visit(StatusChange{found->second, placed.place}, record);
  if (const auto* attempted = std::get_if<Attempted>(&record)) settle(placed.id, attempted->finished);
}

void Index::note_finished(Id id, const std::vector<std::uint32_t>& targets) {
  if (const auto found = entries_.find(id); found != entries_.end())
    add_finished(found->second.finished, targets);
  settle(id, targets);
}

void Index::note_owed(Id id, const Owed& owed) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  std::vector<std::uint32_t>& finished = found->second.finished;
  for (const OwedReport& report : owed.reports) {
    const std::uint32_t target = report.answer.target;
    if (std::ranges::binary_search(finished, target)) continue;
    add_finished(finished, {target});
    owed_[id].emplace(target, report);
  }
}

void Index::settle(Id id, const std::vector<std::uint32_t>& targets) {
  const auto found = owed_.find(id);
  if (found == owed_.end()) return;
  for (const std::uint32_t target : targets) found->second.erase(target);
  if (found->second.empty()) owed_.erase(found);
}

// A copy says what was known when its batch began; what has finished since stays finished.
void Index::accept(const PlacedRecord& placed, const Accepted& accepted) {
  const Progress& progress = accepted.progress;
  std::vector<std::uint32_t> finished = progress.finished;
  if (const Entry* known = find(placed.id)) add_finished(finished, known->finished);
  forget(placed.id);
  Entry entry{.accepted = placed.place,
              .held_by = placed.place,
              .content_length = accepted.content_length,
              .arrived = accepted.arrived,
              .parts = {},
              .finished = std::move(finished),
              .log_size = static_cast<std::uint32_t>(placed.size),
              .targets = static_cast<std::uint32_t>(accepted.envelope.targets.size()),
              .sender = senders_.take(sender_of(accepted.envelope)),
              .held = progress.held,
              .warned = progress.warned,
              .tls = tls_on_the_way(accepted.envelope),
              .content_in_file = accepted.content_in_file};
  const auto domains = parts_of(accepted.envelope);
  entry.parts.reserve(domains.size());
  for (std::size_t i = 0; i < domains.size(); ++i) {
    const PartProgress part =
        i < progress.parts.size() ? progress.parts[i] : PartProgress{0, accepted.arrived};
    entry.parts.push_back({domains_.take(domains[i]), part.attempts, part.next_attempt, placed.place});
  }
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
  for (const Part& part : found->second.parts) domains_.give_back(part.domain);
  senders_.give_back(found->second.sender);
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

const OwedReports& Index::owed(Id id) const {
  static const OwedReports kNone;
  const auto found = owed_.find(id);
  return found == owed_.end() ? kNone : found->second;
}

Index::Live Index::live(SegmentNumber segment) const {
  const auto found = live_.find(segment);
  return found == live_.end() ? Live{} : found->second;
}

}  // namespace mailroom::queue
