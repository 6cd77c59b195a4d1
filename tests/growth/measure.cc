#include "tests/growth/measure.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace mailroom::growth {
namespace {

constexpr std::size_t kFirstSize = 256;
constexpr double kLongEnough = 0.02;  // seconds; less is mostly noise
constexpr double kCounts = 0.05;      // seconds at the largest size; less is not judged
constexpr int kRuns = 5;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double time_of(const Work& work) {
  const double begin = cpu_seconds();
  work();
  return cpu_seconds() - begin;
}

struct Figures {
  std::size_t size;
  double once;   // seconds for `size`
  double twice;  // for twice that

  double growth() const { return twice / once; }
};

// The runs of both sizes alternate, so that a slow minute of the machine is a slow minute for both.
Figures measure(const Generator& generator, std::size_t size) {
  const Work once = generator.prepare(size);
  const Work twice = generator.prepare(size * 2);
  Figures figures{size, time_of(once), time_of(twice)};
  for (int run = 1; run < kRuns; ++run) {
    figures.once = std::min(figures.once, time_of(once));
    figures.twice = std::min(figures.twice, time_of(twice));
  }
  return figures;
}

bool is_largest(const Generator& generator, std::size_t size) { return size * 4 > generator.largest; }

std::size_t size_that_takes_long(const Generator& generator) {
  std::size_t size = kFirstSize;
  while (!is_largest(generator, size) && time_of(generator.prepare(size)) < kLongEnough) size *= 2;
  return size;
}

// What takes less at the largest size has a limit of its own; there the step is a cache that ends.
bool is_good(const Generator& generator, const Figures& figures) {
  return figures.growth() < kMostGrowth ||
         (is_largest(generator, figures.size) && figures.twice < 2 * kCounts);
}

// A bad figure is looked at again, at other sizes as well: where a cache of the processor ends there is a
// step that is none of the program's, and what takes longer is disturbed less.  What grows too fast does so
// at each of them.
Figures judge(const Generator& generator) {
  const std::size_t size = size_that_takes_long(generator);
  Figures figures = measure(generator, size);
  for (const std::size_t again : {size * 2, size / 2, size * 4, size, size / 4, size * 2, size})
    if (!is_good(generator, figures) && again * 2 <= generator.largest) figures = measure(generator, again);
  return figures;
}

}  // namespace

bool all_grow_well(std::span<const Generator> generators) {
  bool all_good = true;
  fmt::print("1..{}\n", generators.size());
  for (std::size_t i = 0; i < generators.size(); ++i) {
    const Figures figures = judge(generators[i]);
    const bool good = is_good(generators[i], figures);
    all_good = all_good && good;
    fmt::print("{} {} - {}: {:.2f} times for twice {} ({:.1f} ms, {:.1f} ms)\n", good ? "ok" : "not ok",
               i + 1, generators[i].name, figures.growth(), figures.size, figures.once * 1e3,
               figures.twice * 1e3);
  }
  return all_good;
}

}  // namespace mailroom::growth
