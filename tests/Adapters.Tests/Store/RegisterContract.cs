using System.Text;
using ControlPlane.Store;
using ControlPlane.TestKit.Store;

namespace ControlPlane.Adapters.Tests.Store;

/// <summary>What every register promises.</summary>
public abstract class RegisterContract
{
    private static int lastArea;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected string Area { get; } = $"area.{Interlocked.Increment(ref lastArea)}";

    protected abstract IRegister Register { get; }

    [Theory]
    [InlineData("web1.example.net")]
    [InlineData("")]
    [InlineData(" * . > = $KV \r\n \0 ü 漢")]
    [InlineData("../../etc")]
    public async Task FindAsync_GivesTheLastValue_WhateverTheLettersOfTheKey(string key)
    {
        Assert.Null(await Register.FindAsync(Area, key, Cancel));
        await WriteAsync(key, "1");
        var revision = await WriteAsync(key, "2");
        await WriteAsync(key + "x", "other");
        await Register.WriteAsync(Area + "x", key, "other"u8.ToArray(), expected: null, Cancel);

        var found = (await Register.FindAsync(Area, key, Cancel))!;

        Assert.Equal((key, "2", revision), (found.Key, Encoding.UTF8.GetString(found.Content.Span), found.Revision));
        Assert.Equal(
            [(key, "2"), (key + "x", "other")],
            (await ListAsync()).OrderBy(entry => entry.Key.Length));
    }

    [Fact]
    public async Task ListAsync_GivesAllOfAnArea_HoweverMany()
    {
        Assert.Empty(await ListAsync());
        for (var number = 0; number < 1_200; number++)
        {
            await WriteAsync($"{number}", "old");
        }

        for (var number = 0; number < 1_200; number += 3)
        {
            await WriteAsync($"{number}", "new");
        }

        var listed = await ListAsync();

        Assert.Equal(1_200, listed.Select(entry => entry.Key).Distinct().Count());
        Assert.Equal((1_200, 400), (listed.Count, listed.Count(entry => entry.Text == "new")));
    }

    [Fact]
    public async Task WriteAsync_LosesCleanly_WhenSomebodyWasFirst()
    {
        var made = await Register.WriteAsync(Area, "key", "1"u8.ToArray(), expected: 0, Cancel);
        var changed = await Register.WriteAsync(Area, "key", "2"u8.ToArray(), made, Cancel);

        foreach (var old in new[] { 0ul, made, changed + 1 })
        {
            await Assert.ThrowsAsync<StoreConflictException>(
                () => Register.WriteAsync(Area, "key", "lost"u8.ToArray(), old, Cancel));
        }

        Assert.Equal([("key", "2")], await ListAsync());
        await Register.WriteAsync(Area, "key", "3"u8.ToArray(), changed, Cancel);
        Assert.Equal([("key", "3")], await ListAsync());
    }

    [Fact]
    public async Task RemoveAsync_RemovesOneKey_AndMayBeRepeated()
    {
        await WriteAsync("key", "1");
        await WriteAsync("other", "2");
        await Register.RemoveAsync(Area, "key", Cancel);
        await Register.RemoveAsync(Area, "key", Cancel);
        Assert.Equal([("other", "2")], await ListAsync());
        Assert.Null(await Register.FindAsync(Area, "key", Cancel));
    }

    [Fact]
    public async Task WriteAsync_LetsOneWin_WhenManyExpectTheSame()
    {
        var tries = await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
        {
            try
            {
                await Register.WriteAsync(Area, "key", Encoding.UTF8.GetBytes($"{number}"), expected: 0, Cancel);
                return $"{number}";
            }
            catch (StoreConflictException)
            {
                return null;
            }
        }));

        Assert.Equal([("key", Assert.Single(tries.OfType<string>()))], await ListAsync());
    }

    [Fact]
    public async Task WriteAsync_RefusesClearly_WhatIsTooLarge()
    {
        var content = new byte[StoreLimits.ContentBytesMax + 1];

        await Assert.ThrowsAsync<ArgumentException>(() => Register.WriteAsync(Area, "key", content, null, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(
            () => Register.WriteAsync(Area, new string('k', StoreLimits.NameBytesMax + 1), "1"u8.ToArray(), null, Cancel));
        await Register.WriteAsync(Area, "key", content.AsMemory(1), null, Cancel);
        await Register.WriteAsync(Area, new string('ü', StoreLimits.NameBytesMax / 2), "1"u8.ToArray(), null, Cancel);
    }

    protected Task<ulong> WriteAsync(string key, string text) =>
        Register.WriteAsync(Area, key, Encoding.UTF8.GetBytes(text), expected: null, Cancel);

    protected async Task<IReadOnlyList<(string Key, string Text)>> ListAsync() => await Register.ListAsync(Area, Cancel)
        .Select(entry => (entry.Key, Encoding.UTF8.GetString(entry.Content.Span))).ToListAsync(Cancel);
}

public sealed class MemoryRegisterTests : RegisterContract
{
    protected override IRegister Register { get; } = new MemoryRegister();
}
