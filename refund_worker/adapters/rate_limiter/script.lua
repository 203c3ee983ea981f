-- The limit that all workers share: one call is one round trip, atomic, by the server's clock. Times are microseconds.
--
-- KEYS  1 state (hash)  2 workers (sorted set by when they were last seen)  3 the account's slots (sorted set by time)
--       4... an endpoint's slots each: the name of 3, a colon, the endpoint
-- ARGV  1 verb  2 worker  3 generation; then
--   book  4 endpoint  5 the account's calls a second  6 the endpoint's
--         answers {time until the slot, workers, account's rate x1000, endpoint's rate x1000, time until the account
--         has a free slot}; {} = this generation is not known (Redis was flushed, or lost its data): join first
--   join  4 workers that were known before, 0 = none  5 the account's calls a second  6 an endpoint's; then pairs, oldest
--         first: number of the endpoint's key, time until a slot that the worker has taken elsewhere.
--         Answers the generation: the one given, where there is none yet
--   cut   4 bucket  5 its calls a second. Answers 1, or 0 where it was cut a moment ago
--   leave answers 0
-- The constants before this line come from Python.

local verb, worker, generation = ARGV[1], ARGV[2], ARGV[3]
local state, workers, account = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- A clock that was set back must not keep the workers of the future.
local function seen()
  redis.call('ZADD', workers, now, worker)
  redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - WORKER_US)
  redis.call('ZREMRANGEBYSCORE', workers, now + WORKER_US, '+inf')
  redis.call('PEXPIRE', workers, WORKER_US / 1000)
  redis.call('PEXPIRE', state, STATE_MS)
end

local function number_of(field)
  return tonumber(redis.call('HGET', state, field))
end

local function rate_of(bucket, most)
  local rate = number_of('rate:' .. bucket)
  if not rate then return most end
  local since = math.max(0, now - number_of('rate_at:' .. bucket))
  return math.min(most, rate + RECOVERY * most * since / 1000000)
end

local function settling()
  local settled_at = number_of('settled_at')
  return settled_at and settled_at - SETTLING_US <= now and now < settled_at
end

-- While workers come back, those still on their own use their shares: what is given out here is the share of those back.
local function share()
  if not settling() then return 1 end
  local back = redis.call('ZCOUNT', workers, number_of('settled_at') - SETTLING_US, '+inf')
  return math.min(1, back / number_of('workers_before'))
end

local function bucket_of(key, rate)
  local interval = math.ceil(1000000 / rate)
  local slots = redis.call('ZRANGEBYSCORE', key, now - 2 * interval, '+inf')
  for place, slot in ipairs(slots) do slots[place] = tonumber(slot) end
  return {key = key, interval = interval, slots = slots}
end

-- The earliest slot, not before the one given, that keeps its distance from every slot of every bucket.
local function earliest(buckets, slot)
  local moved = true
  for _, bucket in ipairs(buckets) do bucket.place = 1 end
  while moved do
    moved = false
    for _, bucket in ipairs(buckets) do
      local taken = bucket.slots[bucket.place]
      while taken and taken < slot + bucket.interval do
        if taken > slot - bucket.interval then
          slot, moved = taken + bucket.interval, true
        end
        bucket.place = bucket.place + 1
        taken = bucket.slots[bucket.place]
      end
    end
  end
  return slot
end

local function take(key, slot)
  redis.call('ZADD', key, slot, string.format('%.0f', slot))
  local newest = tonumber(redis.call('ZRANGE', key, -1, -1)[1])
  redis.call('PEXPIRE', key, math.ceil((newest - now) / 1000) + SLOTS_MS)
end

local function book(endpoint, account_rate, endpoint_rate)
  if redis.call('HGET', state, 'generation') ~= generation then return {} end
  seen()
  local part = share()
  account_rate, endpoint_rate = rate_of('', account_rate), rate_of(endpoint, endpoint_rate)
  local whole, own = bucket_of(account, account_rate * part), bucket_of(KEYS[4], endpoint_rate * part)
  local free = earliest({whole}, now)
  local slot = earliest({whole, own}, now)
  for _, bucket in ipairs({whole, own}) do
    redis.call('ZREMRANGEBYSCORE', bucket.key, '-inf', now - 2 * bucket.interval)
    take(bucket.key, slot)
  end
  return {slot - now, redis.call('ZCARD', workers), account_rate * 1000, endpoint_rate * 1000, free - now}
end

-- Slots that several workers took on their own lie together as chance has it. Each counts for the next free one: else
-- what is given out between them would come on top of the rate.
local function take_one_from(key, bucket, most, slot)
  take(key, earliest({bucket_of(key, rate_of(bucket, most))}, slot))
end

local function join(workers_before, account_rate, endpoint_rate)
  local known = redis.call('HGET', state, 'generation')
  if not known then
    known = generation
    redis.call('HSET', state, 'generation', known)
  end
  if workers_before > 1 and not settling() then
    redis.call('HSET', state, 'settled_at', string.format('%.0f', now + SETTLING_US), 'workers_before', workers_before)
  elseif settling() and workers_before > number_of('workers_before') then
    redis.call('HSET', state, 'workers_before', workers_before)
  end
  seen()
  for place = 7, #ARGV, 2 do
    local key, slot = KEYS[tonumber(ARGV[place])], now + tonumber(ARGV[place + 1])
    take_one_from(account, '', account_rate, slot)
    take_one_from(key, string.sub(key, #account + 2), endpoint_rate, slot)
  end
  return known
end

local function cut(bucket, most)
  local last = number_of('cut_at:' .. bucket)
  if last and last <= now and now - last < CUT_INTERVAL_US then return 0 end
  local rate = math.max(RATE_PER_SECOND_MIN, CUT * rate_of(bucket, most))
  local at = string.format('%.0f', now)
  redis.call('HSET', state, 'rate:' .. bucket, rate, 'rate_at:' .. bucket, at, 'cut_at:' .. bucket, at)
  redis.call('PEXPIRE', state, STATE_MS)
  return 1
end

if verb == 'book' then return book(ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])) end
if verb == 'join' then return join(tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])) end
if verb == 'cut' then return cut(ARGV[4], tonumber(ARGV[5])) end
return redis.call('ZREM', workers, worker)
