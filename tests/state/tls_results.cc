// What is counted for reports on TLS: tls_results DIRECTORY, that of a policyd that does not run.  A line for
// each day and domain: the day since 1970, the domain, sessions that were protected, sessions that failed.
#include <iostream>

#include "spool/state/directory.h"

int main(int argc, char** argv) {
  constexpr std::uint64_t kMapSize = std::uint64_t{4} << 30;
  if (argc != 2) {
    std::cerr << "usage: tls_results DIRECTORY\n";
    return 2;
  }
  auto directory = mailroom::state::Directory::open(argv[1], kMapSize);
  for (const auto& [day, domain, tallies] : directory.view().tls_results()) {
    std::uint64_t successes = 0, failed = 0;
    for (const auto& tally : tallies) {
      successes += tally.successes;
      failed += tally.failed;
    }
    std::cout << day << ' ' << domain << ' ' << successes << ' ' << failed << '\n';
  }
}
