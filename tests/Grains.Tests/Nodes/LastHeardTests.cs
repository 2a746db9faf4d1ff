
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class LastHeardTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly LastHeard Last = new(100, At);

    [Theory]
    [InlineData(100, 0, false)]
    [InlineData(99, -1, false)]
    [InlineData(101, 1, true)]
    [InlineData(101, 0, true)]
    public void Precedes_DropsWhatIsDeliveredAgain(ulong sequence, int secondsLater, bool news) =>
        Assert.Equal(news, Last.Precedes(Event(sequence, secondsLater)));

    [Fact]
    public void Precedes_TakesTheFirstEventOfAStreamThatWasMadeAnew() => Assert.True(Last.Precedes(Event(1, 1)));

    // Two leaders of one stream, the later one's clock behind.
    [Fact]
    public void Precedes_TakesAHigherSequence_WhenTheClockWentBack() => Assert.True(Last.Precedes(Event(101, -5)));

    private static FleetEvent Event(ulong sequence, int secondsLater) =>
        new("n1", FleetEventKind.Startup, "server", null, At, At.AddSeconds(secondsLater), "eu-1", sequence);
}
