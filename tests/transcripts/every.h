// Every transcript of a directory, as sections of the test case that asks for it.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "tests/transcripts/transcript.h"

namespace mailroom::transcript {

// Calls run(transcript, pace) for each: its input in segments as written, and, unless the transcript says
// @segments-only, in single octets.
template <typename Run>
void run_every(const std::filesystem::path& directory, Run run) {
  const std::filesystem::directory_iterator entries{directory};
  std::vector<std::filesystem::path> paths(begin(entries), end(entries));
  std::sort(paths.begin(), paths.end());
  REQUIRE_FALSE(paths.empty());
  for (const auto& path : paths) {
    const Transcript transcript = read_transcript(path.string());
    DYNAMIC_SECTION(path.filename().string() << " in segments") {
      run(transcript, ScriptStream::Pace::segments);
    }
    if (transcript.settings.contains("segments-only")) continue;
    DYNAMIC_SECTION(path.filename().string() << " in single octets") {
      run(transcript, ScriptStream::Pace::octets);
    }
  }
}

}  // namespace mailroom::transcript
