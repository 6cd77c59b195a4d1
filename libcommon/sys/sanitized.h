// Whether this is a build with AddressSanitizer or UndefinedBehaviorSanitizer: for tests alone, as its walls
// let pass what sanitizers cannot do without.  Wherever that is, kIsSanitized says so.
#pragma once

namespace mailroom {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define MAILROOM_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MAILROOM_SANITIZED
#endif

#ifdef MAILROOM_SANITIZED
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace mailroom
