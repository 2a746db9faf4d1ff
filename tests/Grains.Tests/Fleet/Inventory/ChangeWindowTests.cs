namespace ControlPlane.Fleet.Tests;

public sealed class ChangeWindowTests
{
    private readonly ChangeWindow window = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadAsync_GivesEverythingAfterAPosition_InOrder()
    {
        Begin(first: 1, last: 0, 5);

        var read = Assert.IsType<FeedRead.Changes>(await window.ReadAsync(2, 10, Cancelled));

        Assert.Equal([3ul, 4, 5], read.Batches.Select(batch => batch.Position));
        Assert.Equal(5ul, read.Position);
    }

    [Fact]
    public async Task ReadAsync_BeginsAtTheEnd_WithoutAPosition()
    {
        Begin(first: 1, last: 0, 5);

        var read = Assert.IsType<FeedRead.Changes>(await window.ReadAsync(null, 10, Cancelled));

        Assert.Empty(read.Batches);
        Assert.Equal(5ul, read.Position);
    }

    [Fact]
    public async Task ReadAsync_WaitsForWhatComes()
    {
        Begin(first: 1, last: 0, 1);
        var reading = window.ReadAsync(1, 10, Cancelled);
        Assert.False(reading.IsCompleted);

        window.Add(new ChangeBatch(2, []));

        Assert.Equal(2ul, Assert.IsType<FeedRead.Changes>(await reading).Position);
    }

    [Fact]
    public async Task ReadAsync_SaysSo_WhenThePositionIsTooOld()
    {
        Begin(first: 1, last: 0, ChangeWindow.BatchesMax + 10);

        Assert.IsType<FeedRead.TooOld>(await window.ReadAsync(5, 10, Cancelled));
        Assert.IsType<FeedRead.Changes>(await window.ReadAsync(10, 10, Cancelled));
    }

    [Fact]
    public async Task ReadAsync_SaysSo_WhenTheFeedWasMadeAnew()
    {
        Begin(first: 1, last: 0, 100);
        Assert.Equal(1ul, window.Begin(0, 0));

        Assert.IsType<FeedRead.TooOld>(await window.ReadAsync(100, 10, Cancelled));
    }

    [Fact]
    public async Task ReadAsync_SaysSo_WhenAGapWasMet()
    {
        Begin(first: 1, last: 0, 100);
        Assert.Equal(150ul, window.Begin(150, 149));
        window.Add(new ChangeBatch(150, []));

        Assert.IsType<FeedRead.TooOld>(await window.ReadAsync(100, 10, Cancelled));
        Assert.IsType<FeedRead.Changes>(await window.ReadAsync(149, 10, Cancelled));
    }

    [Fact]
    public void Begin_GoesOnWhereItWas_AfterAFault()
    {
        Begin(first: 1, last: 0, 100);

        Assert.Equal(101ul, window.Begin(1, 250));
    }

    [Fact]
    public void Begin_ReadsNoMoreThanItKeeps() => Assert.Equal(100_000ul - ChangeWindow.BatchesMax + 1, window.Begin(1, 100_000));

    private void Begin(ulong first, ulong last, int batches)
    {
        window.Begin(first, last);
        for (var position = 1; position <= batches; position++)
        {
            window.Add(new ChangeBatch((ulong)position, []));
        }
    }
}
