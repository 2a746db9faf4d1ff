using ControlPlane.Access;
using ControlPlane.Store;
using ControlPlane.TestKit.Access;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>What is synced to the machine's disk is there after a crash, is given to the log, and stays within its bounds.</summary>
public sealed class FileAuditJournalTests : IDisposable
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-audit-").FullName;
    private readonly MemoryLog log = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task WhatWasRecordedWhileTheGlassWasBroken_ComesIntoTheLog_AfterARestart()
    {
        using (var journal = Open())
        using (var silo = new AuditSilo(log, journal: journal))
        {
            await silo.CallAsync("web1");
            await silo.SettleAsync();
            log.BeforeAnswer = () => throw new StoreUnavailableException("away");
            silo.IsOn = true;
            await silo.CallAsync("web2");
            await silo.CallAsync("web3");
        }

        log.BeforeAnswer = null;
        using var again = Open();
        using var next = new AuditSilo(log, journal: again);
        await next.CallAsync("web4");
        await next.SettleAsync();

        var calls = (await log.RecordsAsync(Cancel)).Where(record => record.Kind == AuditKind.Call).ToList();
        Assert.Equal(["web1", "web2", "web3", "web4"], calls.Select(record => record.On!.Node!));
        Assert.Equal([false, true, true, false], calls.Select(record => record.BreakGlass));
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public async Task ATornLine_IsCutOff_AndTheChainGoesOn()
    {
        using (var journal = Open())
        using (var silo = new AuditSilo(log, journal: journal))
        {
            await silo.BeginAsync("web1");
        }

        var file = Assert.Single(Directory.GetFiles(folder, "records-*"));
        await File.AppendAllTextAsync(file, "0123 {\"sequence\":2,\"prev", Cancel);

        using var again = Open();
        using var next = new AuditSilo(log, journal: again);
        await next.BeginAsync("web2");

        Assert.Equal([1L, 2], again.Read("silo1:11111").Select(record => record.Sequence));
        Assert.Equal(2, File.ReadAllLines(file).Length);
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    [Fact]
    public void Append_Throws_WhenTheFolderIsFull_AndConfirmMakesRoom()
    {
        using var journal = Open(bytesMax: 20L << 20);
        var head = ChainHead.None;
        while (TryAppend(journal, ref head))
        {
        }

        Assert.InRange(head.Sequence, 15, 30);
        journal.Confirm(head.Sequence);
        Assert.False(TryAppend(journal, ref head));

        // The brokers may not have synced yet what they acknowledged.
        time.Advance(TimeSpan.FromMinutes(6));
        journal.Confirm(head.Sequence);

        Assert.True(TryAppend(journal, ref head));
        Assert.Equal(head.Sequence, journal.Read("silo1:11111")[^1].Sequence);
        Assert.InRange(Directory.GetFiles(folder, "records-*").Length, 1, 2);
    }

    [Fact]
    public void Files_AreReadableByNobodyElse_AndTheFolderHasOneOwner()
    {
        using var journal = Open();
        var head = ChainHead.None;
        Assert.True(TryAppend(journal, ref head));
        using var other = Open();

        Assert.All(
            Directory.GetFiles(folder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Throws<IOException>(() => other.Read("silo1:11111"));
    }

    [Fact]
    public void Read_Throws_WhenTheFolderIsAnotherSilos()
    {
        using (var journal = Open())
        {
            journal.Read("silo1:11111");
        }

        using var other = Open();

        Assert.Contains("holds the records of silo1:11111", Assert.Throws<IOException>(() => other.Read("silo2:11111")).Message);
    }

    private static bool TryAppend(FileAuditJournal journal, ref ChainHead head)
    {
        try
        {
            var body = $$"""{"sequence":{{head.Sequence + 1}},"previous":"{{head.Hash}}","id":"{{new string('x', 1 << 20)}}"}""";
            var record = new ChainRecord(head.Sequence + 1, HashChain.HashOf(body), body);
            journal.Append("silo1:11111", [record]);
            head = record.Head;
            return true;
        }
        catch (IOException full) when (full.Message.Contains("is full", StringComparison.Ordinal))
        {
            return false;
        }
    }

    private FileAuditJournal Open(long bytesMax = 256L << 20) => new(
        Options.Create(new AuditOptions { Folder = folder, FolderBytesMax = bytesMax }), time, NullLogger<FileAuditJournal>.Instance);
}

/// <summary>The switch is obeyed only when an operator of the machine made it.</summary>
public sealed class BreakGlassFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-glass-").FullName;

    private string Switch => Path.Combine(folder, "break-glass");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void IsOn_WhileTheFileIsThere()
    {
        var glass = Open();
        Assert.False(glass.IsOn);

        File.WriteAllText(Switch, "");
        Assert.True(glass.IsOn);

        File.Delete(Switch);
        Assert.False(glass.IsOn);
    }

    [Fact]
    public void IsOn_IsFalse_WhenOthersCanWriteTheFileOrItsFolder()
    {
        File.WriteAllText(Switch, "");
        File.SetUnixFileMode(Switch, UnixFileMode.UserRead | UnixFileMode.GroupWrite);
        Assert.False(Open().IsOn);

        File.SetUnixFileMode(Switch, UnixFileMode.UserRead);
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherWrite);
        Assert.False(Open().IsOn);
    }

    [Fact]
    public void IsOn_IsFalse_WhenItIsALink()
    {
        File.CreateSymbolicLink(Switch, "/etc/hostname");

        Assert.False(Open().IsOn);
    }

    private BreakGlassFile Open() =>
        new(Options.Create(new AuditOptions { Folder = folder, BreakGlassFile = Switch }), NullLogger<BreakGlassFile>.Instance);
}
