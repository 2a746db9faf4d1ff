using ControlPlane.Adapters.Fleet.Rpc;
using ControlPlane.Jobs;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace ControlPlane.Adapters.Tests.Fleet.Rpc;

public sealed class ReplyGatheringTests : IDisposable
{
    private const int Many = 120_000;
    private readonly RpcMeter meter = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => meter.Dispose();

    [Fact]
    public async Task Take_DropsAndCounts_WhatNobodyReads_AndKeepsTheRest()
    {
        await using var gathering = Gathering(_ => (Reply, "ok"));
        for (var number = 0; number < Many; number++)
        {
            gathering.Take([1]);
        }

        var unread = gathering.Dropped.Unread;
        gathering.Complete();
        var read = 0;
        await foreach (var reply in gathering.ReadAsync(Cancelled))
        {
            read++;
        }

        Assert.True(unread > 0);
        Assert.Equal(Many, unread + read);
    }

    [Fact]
    public async Task Take_KeepsNoMoreBytesThanThereIsRoomFor()
    {
        await using var gathering = Gathering(_ => (Reply, "ok"));
        var large = new byte[64 << 20];
        for (var number = 0; number < 6; number++)
        {
            gathering.Take(large);
        }

        Assert.Equal(2, gathering.Dropped.Unread);
        gathering.Complete();
        var read = 0;
        await foreach (var reply in gathering.ReadAsync(Cancelled))
        {
            read++;
        }

        Assert.Equal(4, read);
    }

    [Fact]
    public async Task AFaultOfOurs_EndsNothing()
    {
        await using var gathering = Gathering(payload => payload[0] == 0 ? throw new InvalidOperationException("ours") : (Reply, "ok"));

        gathering.Take([0]);
        gathering.Take([1]);

        await foreach (var reply in gathering.ReadAsync(Cancelled))
        {
            break;
        }

        await Readiness.UntilAsync(_ => Task.FromResult(gathering.Dropped.Unverified == 1), "the fault is counted", Cancelled);
    }

    private static RpcNodeReply Reply => new("web1.example.net", 0, "OK", ReadOnlyMemory<byte>.Empty, DateTimeOffset.UnixEpoch);

    private ReplyGathering Gathering(Func<byte[], (RpcNodeReply?, string)> judge) => new(judge, meter, NullLogger.Instance);
}
