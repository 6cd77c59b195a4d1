// Moves what is counted for reports on TLS to the day before: tls_yesterday DIRECTORY, that of a policyd that
// does not run.
#include <iostream>

#include "spool/state/directory.h"

int main(int argc, char** argv) {
  constexpr std::uint64_t kMapSize = std::uint64_t{4} << 30;
  if (argc != 2) {
    std::cerr << "usage: tls_yesterday DIRECTORY\n";
    return 2;
  }
  auto directory = mailroom::state::Directory::open(argv[1], kMapSize);
  auto results = directory.view().tls_results();
  auto update = directory.update();
  for (auto& result : results) {
    update.erase_tls_result(result.day, result.domain);
    --result.day;
    update.put_tls_result(result);
  }
  update.commit();
  std::cout << results.size() << "\n";
}
