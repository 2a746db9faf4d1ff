using ControlPlane.Access;
using ControlPlane.TestKit.Access;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Access;

/// <summary>Lists, filters and pages of the record.</summary>
public sealed class AuditReaderTests : IAsyncLifetime
{
    private const int Calls = 600;

    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly MemoryLog log = new();
    private AuditSilo silo = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private AuditReader Reader => new(log);

    public async ValueTask InitializeAsync()
    {
        silo = new AuditSilo(log, time: time, perAddress: 10_000, altogether: 10_000);
        for (var number = 0; number < Calls; number++)
        {
            if (number % 100 == 7)
            {
                await silo.BeginAsync($"web{number}", AuditSilo.Denied);
            }
            else
            {
                await silo.CallAsync($"web{number}");
            }

            await silo.SettleAsync();
            time.Advance(TimeSpan.FromMinutes(1));
            if (number % 50 == 0)
            {
                await silo.CheckpointAsync();
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        silo.Dispose();
        return default;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ListAsync_GivesEachRecordOnce_OverAllPages(bool oldestFirst)
    {
        var all = (await log.RecordsAsync(Cancel)).Select(record => record.Sequence);

        var listed = (await ListAsync(new AuditQuery { OldestFirst = oldestFirst, Limit = 7 })).Select(record => record.Sequence);

        Assert.Equal(oldestFirst ? all : all.Reverse(), listed);
    }

    [Fact]
    public async Task ListAsync_GivesWhatIsAskedFor()
    {
        Assert.Equal(6, (await ListAsync(new AuditQuery { DeniedOnly = true })).Count);
        Assert.Equal(2, (await ListAsync(new AuditQuery { Node = "web5" })).Count);
        Assert.Equal(Calls - 6, (await ListAsync(new AuditQuery { Outcome = "2" })).Count);
        Assert.Empty(await ListAsync(new AuditQuery { Who = "bob" }));
        Assert.Empty(await ListAsync(new AuditQuery { Permission = Permissions.NodesDecommission }));
        Assert.Equal(2 * Calls - 6, (await ListAsync(new AuditQuery { Who = "alice", Permission = Permissions.NodesReprovision })).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ListAsync_GivesATimeOnly_WhenItIsAskedFor(bool oldestFirst)
    {
        var since = time.GetUtcNow().AddMinutes(-300);
        var query = new AuditQuery { Since = since, Until = since.AddMinutes(20), OldestFirst = oldestFirst };

        var listed = (await ListAsync(query)).Where(record => record.Kind == AuditKind.Call).Select(record => record.On!.Node!);

        var nodes = Enumerable.Range(Calls - 300, 20).Where(number => number % 100 != 7).Select(number => $"web{number}");
        Assert.Equal(oldestFirst ? nodes : nodes.Reverse(), listed);
    }

    [Fact]
    public async Task ListAsync_GoesOnWithWhatComes_FromTheEnd()
    {
        var end = (await Reader.ListAsync(new AuditQuery { Limit = 1 }, Cancel)).End;
        Assert.Empty((await Reader.ListAsync(new AuditQuery { OldestFirst = true, Cursor = end }, Cancel)).Records);

        await silo.BeginAsync("late");

        var page = await Reader.ListAsync(new AuditQuery { OldestFirst = true, Cursor = end }, Cancel);
        Assert.Equal("late", Assert.Single(page.Records).On?.Node);
        Assert.True(page.IsEnd);
        Assert.Empty((await Reader.ListAsync(new AuditQuery { OldestFirst = true, Cursor = page.Next }, Cancel)).Records);
    }

    [Fact]
    public async Task FindAsync_GivesTheRecordsOfACall()
    {
        foreach (var call in (await log.RecordsAsync(Cancel)).Where(record => record.Kind == AuditKind.Call).Take(30))
        {
            Assert.Equal([AuditKind.Call, AuditKind.Outcome], (await Reader.FindAsync(call.Id, Cancel)).Select(record => record.Kind));
        }

        Assert.Empty(await Reader.FindAsync("nonsense", Cancel));
        Assert.Empty(await Reader.FindAsync("", Cancel));
    }

    private async Task<List<AuditRecord>> ListAsync(AuditQuery query)
    {
        var records = new List<AuditRecord>();
        while (true)
        {
            var page = await Reader.ListAsync(query, Cancel);
            records.AddRange(page.Records);
            if (page.Next is null || (query.OldestFirst && page.IsEnd))
            {
                return records;
            }

            query = query with { Cursor = page.Next };
        }
    }
}
