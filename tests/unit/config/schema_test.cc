#include <catch2/catch.hpp>

#include "libcommon/config/schema.h"

using namespace mailroom;
using namespace mailroom::config;
using namespace std::chrono_literals;

namespace {

struct Pump {
  std::uint32_t strokes = 3;
  std::uint64_t volume = 1024;
  Duration pause = 1s;
  bool primed = false;
};
struct Plant {
  Pump pump;
  std::string name = "old";
};

constexpr Key<Pump> kPumpKeys[] = {
    {"strokes", Number<Pump>{&Pump::strokes, 1, 10}, Reload::restart, "Strokes."},
    {"volume", Size<Pump>{&Pump::volume, 1024, 4096}, Reload::restart, "Volume."},
    {"pause", Time<Pump>{&Pump::pause, 1s, 1min}, Reload::new_connections, "Pause."},
    {"primed", Flag<Pump>{&Pump::primed}, Reload::restart, "Primed."},
};
constexpr Key<Plant> kPlantKeys[] = {
    {"name",
     Text<Plant>{&Plant::name, "NAME", [](std::string_view text) { return Parsed<std::string>{text}; }},
     Reload::restart, "Name."},
};

Schema<Plant> schema() {
  Schema<Plant> schema;
  schema.add(
      "", std::span<const Key<Plant>>{kPlantKeys}, [](auto& plant) -> auto& { return plant; });
  schema.add(
      "pump.", std::span<const Key<Pump>>{kPumpKeys}, [](auto& plant) -> auto& { return plant.pump; });
  return schema;
}

std::vector<std::string> errors_of(std::string_view text, Plant& plant) {
  std::vector<Error> errors;
  schema().apply(parse_directives(text, "f").directives, "f", plant, errors);
  std::vector<std::string> texts;
  for (const auto& error : errors) texts.push_back(text_of(error));
  return texts;
}

}  // namespace

TEST_CASE("keys set their members and nothing else") {
  Plant plant;
  CHECK(errors_of("name new\npump.strokes 7\npump.volume 2K\npump.pause 30s\npump.primed yes\n", plant)
            .empty());
  CHECK(plant.name == "new");
  CHECK(plant.pump.strokes == 7);
  CHECK(plant.pump.volume == 2048);
  CHECK(plant.pump.pause == Duration{30s});
  CHECK(plant.pump.primed);
}

TEST_CASE("what is wrong is said with the key, all of it, and changes nothing") {
  Plant plant;
  const std::vector<std::string> expected = {
      "f:1: unknown key pump.stroke; did you mean pump.strokes?",
      "f:2: pump.strokes: 11 is not between 1 and 10",
      "f:3: pump.strokes: already given in line 2",
      "f:4: pump.pause: 2m is not between 1s and 1m",
      "f:5: pump.volume: takes one value, not 2",
      "f:6: unknown key \"what is this\"",
      "f:7: pump.primed: \"1\" is neither yes nor no",
  };
  CHECK(errors_of("pump.stroke 4\npump.strokes 11\npump.strokes 4\npump.pause 2m\npump.volume 1K 2K\n"
                  "\"what is this\" x\npump.primed 1\n",
                  plant) == expected);
  CHECK(plant.pump.strokes == 3);
}

TEST_CASE("a key shows its value as it can be read again") {
  const auto keys = schema();
  const Plant plant{.pump = {.pause = 90s}, .name = "two words"};
  CHECK(keys.find("name")->show(plant) == std::vector<std::string>{"\"two words\""});
  CHECK(keys.find("pump.pause")->show(plant) == std::vector<std::string>{"90s"});
  CHECK(keys.find("pump.pause")->bounds == "1s to 1m");
  CHECK(keys.find("pump.none") == nullptr);
}
