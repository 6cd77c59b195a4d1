// MTA-STS policies of other domains (RFC 8461): kept in the shared state, fetched when their label is a new
// one, and again before they end.
//
// A policy that could be fetched once counts until its max_age is over, whatever fails later (RFC
// 8461 3.3, 5.1): whoever can keep us from the DNS or from the web server of a domain gains nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/channels/policyd.h"
#include "daemons/channels/stsd.h"
#include "libcommon/event/loop.h"
#include "spool/state/directory.h"

namespace mailroom::policyd {

inline constexpr std::size_t kMaxStsDomains =
    10'000;  // known at the same time; the one that ends first makes room
inline constexpr std::size_t kMaxStsQuestions =
    10'000;  // without an answer; one more is answered with what is kept
inline constexpr std::uint64_t kStsRetry = 5 * 60;       // seconds after a failed fetch (RFC 8461 3.3)
inline constexpr std::uint64_t kStsRefresh = 24 * 3600;  // seconds, or half of max_age (RFC 8461 3.3)
inline constexpr std::uint32_t kStsAnswerTtl = 3600;     // seconds, at most
inline constexpr std::uint32_t kStsNoAnswerTtl = 300;

// Why a policy could not be had, as RFC 8460 4.3.2 calls it: sts-policy-fetch-error, sts-webpki-invalid,
// sts-policy-invalid.
struct StsTrouble {
  std::string result;
  std::string words;
};

class StsDesk {
 public:
  using Fetched = std::expected<std::string, StsTrouble>;  // the policy file
  // Asks for the policy file of a domain; calls back once, later.
  using Fetch = std::function<void(const std::string& domain, std::function<void(const Fetched&)>)>;
  using Answer = std::function<void(const StsPolicyFound&)>;
  using Now = std::function<std::uint64_t()>;  // seconds since 1970
  using OnTrouble = std::function<void(const std::string& domain, const StsTrouble&)>;

  StsDesk(event::Loop& loop, state::Directory& directory, Fetch fetch, Now now, OnTrouble on_trouble);

  // Answers once, at once or later.
  void find(const FindStsPolicy& question, Answer answer);

  // What is kept and has not ended; null: nothing.
  const state::StsRecord* kept(const std::string& domain) const;

  // Fetches anew what would end, and was asked for since it was fetched.  Called once an hour by itself.
  void refresh();

 private:
  struct Waiting {
    std::uint64_t question;
    Answer answer;
  };
  struct Entry {
    std::optional<state::StsRecord> kept;
    std::string label;                  // that the running fetch, or the last one, is for
    std::optional<StsTrouble> trouble;  // of the last fetch
    std::uint64_t tried = 0;
    bool fetching = false;
    bool asked = false;  // since it was fetched
    std::vector<Waiting> waiting;
  };

  bool is_valid(const Entry& entry) const;
  bool may_try(const Entry& entry, const std::string& label) const;
  StsPolicyFound answer_of(std::uint64_t question, const Entry* entry) const;
  Entry* entry_for(const std::string& domain);
  bool make_room();
  void want(const std::string& domain, Entry& entry, const std::string& label);
  void start_fetches();
  void fetched(const std::string& domain, const Fetched& file);
  void keep(const std::string& domain, Entry& entry, const routing::StsPolicy& policy);
  void note_trouble(const std::string& domain, Entry& entry, StsTrouble trouble);

  state::Directory& directory_;
  Fetch fetch_;
  Now now_;
  OnTrouble on_trouble_;
  event::Timer hourly_;
  std::map<std::string, Entry> entries_;
  std::deque<std::string> wanted_;  // domains whose fetch has not begun
  std::size_t running_ = 0;
  std::size_t questions_ = 0;  // that wait
};

}  // namespace mailroom::policyd
