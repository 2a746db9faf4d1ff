using ControlPlane.Adapters.Nats;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What servers of all versions say between the messages; the texts are those of their sources.</summary>
public sealed class PullSessionTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // The second request must follow: the first is over, whether the server says so, as since 2.10, or not.
    [Theory]
    [InlineData("1", "2")]
    [InlineData("1", "2", "409 Batch Completed")]
    [InlineData("1", "100 Idle Heartbeat", "2")]
    [InlineData("1", "408 Request Timeout")]
    [InlineData("1", "408 Interest Expired")]
    [InlineData("1", "409 Message Size Exceeds MaxBytes")]
    [InlineData("409 Exceeded MaxWaiting")]
    public async Task ReadAsync_AsksAgain_WhenARequestIsOver(params string[] answers)
    {
        await using var server = new FakeNatsServer(request => request switch
        {
            1 => answers,
            2 => ["8", "9"],
            _ => [],
        });
        await using var connection = new NatsConnection(new NatsOpts { Url = server.Url });
        await using var session = await OpenAsync(connection);
        var read = new List<NatsMsg<byte[]>>();

        while (!read.Exists(message => message.Subject == "doors.9"))
        {
            var some = new List<NatsMsg<byte[]>>();
            await session.ReadAsync(some, Cancelled);
            read.AddRange(some);
        }

        var expected = answers.Where(answer => answer.Length == 1).Append("8").Append("9").Select(number => $"doors.{number}");
        Assert.Equal(expected, read.Select(message => message.Subject));
        Assert.InRange(server.Requests.Count, 2, 4);
    }

    [Theory]
    [InlineData("409 Consumer Deleted")]
    [InlineData("409 Leadership Change")]
    [InlineData("409 Server Shutdown")]
    [InlineData("503 No Responders")]
    public async Task ReadAsync_SaysThatTheConsumerIsLost_WhenTheServerEndsIt(string status)
    {
        await using var server = new FakeNatsServer(_ => [status]);
        await using var connection = new NatsConnection(new NatsOpts { Url = server.Url });
        await using var session = await OpenAsync(connection);

        var lost = await Assert.ThrowsAsync<ConsumerLostException>(async () => await session.ReadAsync([], Cancelled));
        Assert.Contains(status, lost.Message, StringComparison.Ordinal);
    }

    private static Task<PullSession> OpenAsync(NatsConnection connection) => PullSession.OpenAsync(
        new NatsJSContext(connection),
        "S.C",
        new PullLimits(MessagesMax: 2, BytesMax: 32 << 20, () => (0, 0)),
        TimeProvider.System,
        Cancelled);
}
