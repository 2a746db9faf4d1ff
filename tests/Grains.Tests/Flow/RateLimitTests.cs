using ControlPlane.Flow;
using CsCheck;

namespace ControlPlane.Grains.Tests.Flow;

public sealed class RateLimitTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddDays(20_000);

    // A bucket that tokens run into: the other way to write the same.
    [Fact]
    public void RateLimiter_LetsGo_WhatABucketOfTokensLetsGo() =>
        Gen.Select(Gen.Int[1, 60_000], Gen.Int[0, 60], Gen.Int[0, 5_000].Array[1, 100]).Sample((perMinute, burstSeconds, pauses) =>
        {
            var limiter = new RateLimiter(new RateLimit(perMinute, TimeSpan.FromSeconds(burstSeconds)));
            var most = Math.Max(1, perMinute * burstSeconds / 60.0);
            var (tokens, now, gone) = (most, Start, 0);
            foreach (var milliseconds in pauses)
            {
                now += TimeSpan.FromMilliseconds(milliseconds);
                tokens = Math.Min(most, tokens + (perMinute * milliseconds / 60_000.0));
                for (; limiter.WaitFor(now) <= TimeSpan.Zero; gone++)
                {
                    limiter.Take(now);
                    tokens--;
                }

                // Intervals are rounded to a ten-millionth of a second.
                Assert.InRange(tokens, -0.01 - (gone * 1e-3), 1.01 + (gone * 1e-3));
                Assert.True(limiter.WaitFor(now) <= limiter.Limit.Interval);
            }
        });

    [Theory]
    [InlineData(120, 1, 2)]
    [InlineData(30, 1, 1)]
    [InlineData(600, 60, 600)]
    [InlineData(600, 0, 1)]
    public void RateLimiter_LetsABurstGoAtOnce_AndNoMore(int perMinute, int burstSeconds, int atOnce)
    {
        var limiter = new RateLimiter(new RateLimit(perMinute, TimeSpan.FromSeconds(burstSeconds)));

        Assert.Equal(atOnce, CountGone(limiter, Start));
        Assert.Equal(0, CountGone(limiter, Start));
        Assert.Equal(1, CountGone(limiter, Start + limiter.Limit.Interval));
    }

    [Fact]
    public void RateLimiter_BeginsEmpty_WhereItIsToldSo_AndGoesByAnotherRateAtOnce()
    {
        var limit = new RateLimit(60, TimeSpan.FromMinutes(1));
        var limiter = new RateLimiter(limit, takenUntil: Start + limit.Interval);
        Assert.Equal(0, CountGone(limiter, Start));
        Assert.Equal(30, CountGone(limiter, Start.AddSeconds(30)));

        limiter.Limit = limit with { PerMinute = 600 };
        Assert.Equal(0, CountGone(limiter, Start.AddSeconds(30)));
        Assert.Equal(100, CountGone(limiter, Start.AddSeconds(40)));
    }

    [Fact]
    public void RateLimiter_HoldsNobody_WhenTheClockIsSetBack()
    {
        var limiter = new RateLimiter(new RateLimit(60));
        limiter.Take(Start);

        Assert.InRange(limiter.WaitFor(Start.AddHours(-1)), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    private static int CountGone(RateLimiter limiter, DateTimeOffset now)
    {
        var gone = 0;
        for (; limiter.WaitFor(now) <= TimeSpan.Zero; gone++)
        {
            limiter.Take(now);
        }

        return gone;
    }
}
