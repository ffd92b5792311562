-- SPDX-License-Identifier: GPL-2.0-or-later
-- Code that is made while it runs: long traces, side traces, coroutines, and many small functions
-- that are compiled, run a little and thrown away.  Prints a checksum.
local bit = require("bit")
local sum = 0

local function mix(n)
    sum = bit.tobit(bit.bxor(bit.rol(sum, 5), n) + n)
end

local function branchy(turns)
    local a, b = 1, 0
    for i = 1, turns do
        a = bit.band(a * 5 + i, 0xffffff)
        if a % 3 == 0 then
            b = b + 1
        elseif a % 7 == 2 then
            b = b + a % 5
        elseif bit.band(a, 64) ~= 0 then
            b = bit.bxor(b, a)
        end
    end
    return b
end

local function collatz(limit)
    local longest = 0
    for start = 1, limit do
        local n, steps = start, 0
        while n ~= 1 do
            n = n % 2 == 0 and n / 2 or n * 3 + 1
            steps = steps + 1
        end
        longest = steps > longest and steps or longest
    end
    return longest
end

local function words(turns)
    local count, parts = {}, {}
    for i = 1, turns do
        local word = "w" .. i * 7919 % 1009
        count[word] = (count[word] or 0) + 1
        parts[#parts + 1] = word
    end
    return #table.concat(parts, " ") + count.w7
end

local function coroutines(turns)
    local total = 0
    local next_value = coroutine.wrap(function()
        for i = 1, turns do
            coroutine.yield(i % 17)
        end
    end)
    for _ = 1, turns do
        total = total + next_value()
    end
    return total
end

local function compiled(functions)
    local total = 0
    for i = 1, functions do
        local make = loadstring(string.format(
            "return function(n) local s = %d for k = 1, n do s = s + k %% %d end return s end",
            i, i % 13 + 2))
        total = total + make()(120)
    end
    return total
end

mix(branchy(12000000))
mix(collatz(60000))
mix(words(200000))
mix(coroutines(300000))
mix(compiled(2500))
print(bit.tohex(sum))
