using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Placement;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>What a site takes from another, and what it does not.</summary>
public sealed class SiteSealsTests : IDisposable
{
    private const string Channel = "tested-v1";
    private static readonly byte[] Hello = "hello"u8.ToArray();

    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());
    private readonly TestedSites sites = new("eu-1", "eu-2", "eu-3");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => sites.Dispose();

    [Fact]
    public async Task AQuestion_IsTakenOnce_OfTheSiteThatSignedIt()
    {
        var seal = Ask();

        Assert.Equal("eu-2", (await OpenAsync(seal))!.From);
        await AssertRefusedAsync(() => OpenAsync(seal), "was asked before");
        Assert.Equal("eu-2", (await OpenAsync(Ask()))!.From);
    }

    /// <summary>Another silo of the site, or the same after a restart, has heard of what the first one was asked.</summary>
    [Fact]
    public async Task AQuestion_IsTakenOnce_ByAllSilosTogether()
    {
        var seal = Ask();
        using var restarted = sites.Of("eu-1", time);

        await OpenAsync(seal);

        await AssertRefusedAsync(() => restarted.OpenQuestionAsync($"{seal}", Channel, Hello, Cancel), "was asked before");
    }

    [Fact]
    public async Task AQuestion_IsRememberedLonger_ThanAnySiloWouldTakeIt()
    {
        await OpenAsync(Ask());

        Assert.True(Assert.Single(sites.Asked.Asked).Value > 2 * SiteSeals.Window);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task AQuestion_OfAnotherTime_IsRefused_AndNotRemembered(int sign)
    {
        var asking = new FakeTimeProvider(time.GetUtcNow() + (sign * (SiteSeals.Window + TimeSpan.FromSeconds(1))));
        using var asker = sites.Of("eu-2", asking);
        await AssertRefusedAsync(() => OpenAsync(asker.SealQuestion("eu-1", Channel, Hello)!), "clocks differ");

        asking.AdjustTime(time.GetUtcNow() + (sign * (SiteSeals.Window - TimeSpan.FromSeconds(1))));
        Assert.NotNull(await OpenAsync(asker.SealQuestion("eu-1", Channel, Hello)!));
        Assert.Single(sites.Asked.Asked);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 eu-2")]
    [InlineData("1 eu-2 -5 00000000000000000000000000000000 00")]
    [InlineData("1 eu-2 5 ../..000000000000000000000000000 00")]
    [InlineData("2 eu-2 5 00000000000000000000000000000000 00")]
    public async Task AQuestion_WithoutASignature_IsRefused(string header)
    {
        using var asked = sites.Of("eu-1", time);

        await AssertRefusedAsync(() => asked.OpenQuestionAsync(header, Channel, Hello, Cancel), "not signed by a site");
    }

    [Fact]
    public async Task ASite_DoesNotSpeakForAnother_NorAStrangerForAny()
    {
        sites.MakeKey("stranger");
        foreach (var (name, key) in (IEnumerable<(string, string)>)[("eu-2", "eu-3"), ("eu-2", "stranger"), ("eu-4", "stranger")])
        {
            using var forger = sites.Of(name, time, key);
            await AssertRefusedAsync(() => OpenAsync(forger.SealQuestion("eu-1", Channel, Hello)!), $"Sites:PublicKeys:{name}");
        }
    }

    [Fact]
    public async Task AQuestion_IsForOneSite_OneChannel_OneRegion_AndAsItWasAsked()
    {
        using var asker = sites.Of("eu-2", time);
        using var elsewhere = new SiteSeals(
            Options.Create(new SitesOptions { PublicKeys = sites.PublicKeys, SeedFile = sites.SeedFileOf("eu-2") }),
            Options.Create(new OverlaysOptions { Region = "us", Local = "eu-2" }),
            new MemoryAskedOnce(),
            time);

        await AssertRefusedAsync(() => OpenAsync(asker.SealQuestion("eu-3", Channel, Hello)!), "another site or channel");
        await AssertRefusedAsync(() => OpenAsync(asker.SealQuestion("eu-1", "other-v1", Hello)!), "another site or channel");
        await AssertRefusedAsync(() => OpenAsync(asker.SealQuestion("eu-1", Channel, [1])!), "signed by no key");
        await AssertRefusedAsync(() => OpenAsync(elsewhere.SealQuestion("eu-1", Channel, Hello)!), "signed by no key");
        await AssertRefusedAsync(() => OpenAsync(Ask() with { At = time.GetUtcNow().ToUnixTimeMilliseconds() + 1 }), "signed by no key");
        await AssertRefusedAsync(() => OpenAsync(Ask() with { Nonce = new string('0', SiteSeal.NonceDigits) }), "signed by no key");
    }

    /// <summary>The new key is listed everywhere, then used, then the old one is taken out.</summary>
    [Fact]
    public async Task AKey_IsRolled_WhileBothAreListed()
    {
        var before = sites.PublicKeys["eu-2"][0];
        var after = sites.MakeKey("eu-2 new");
        using var asker = sites.Of("eu-2", time, "eu-2 new");
        await AssertRefusedAsync(() => OpenAsync(asker.SealQuestion("eu-1", Channel, Hello)!), "signed by no key");

        sites.PublicKeys["eu-2"].Add(after);
        Assert.NotNull(await OpenAsync(asker.SealQuestion("eu-1", Channel, Hello)!));
        Assert.NotNull(await OpenAsync(Ask()));

        sites.PublicKeys["eu-2"].Remove(before);
        Assert.NotNull(await OpenAsync(asker.SealQuestion("eu-1", Channel, Hello)!));
        await AssertRefusedAsync(() => OpenAsync(Ask()), "signed by no key");
    }

    [Fact]
    public async Task AnAnswer_IsTaken_OfTheSiteThatWasAsked_ToThisQuestion()
    {
        using var asker = sites.Of("eu-2", time);
        using var asked = sites.Of("eu-1", time);
        using var other = sites.Of("eu-3", time);
        var (first, second) = (Ask(), Ask());
        var opened = await OpenAsync(first);
        byte[] answer = [7];
        var seal = asked.SealAnswer(opened, Channel, Hello, answer)!;

        Assert.Null(asker.AnswerFault(first, "eu-1", Channel, Hello, $"{seal}", answer));
        Assert.NotNull(asker.AnswerFault(first, "eu-1", Channel, Hello, null, answer));
        Assert.NotNull(asker.AnswerFault(first, "eu-1", Channel, Hello, $"{seal}", [8]));
        Assert.NotNull(asker.AnswerFault(second, "eu-1", Channel, Hello, $"{seal}", answer));
        Assert.NotNull(asker.AnswerFault(first, "eu-1", Channel, [1], $"{seal}", answer));
        Assert.NotNull(asker.AnswerFault(first, "eu-1", Channel, Hello, $"{other.SealAnswer(opened, Channel, Hello, answer)}", answer));
        Assert.NotNull(asker.AnswerFault(first, "eu-1", Channel, Hello, $"{first}", Hello));
    }

    [Fact]
    public void Seeds_AreReadTogether_TheOneThatSignsFirst()
    {
        sites.MakeKey("eu-1 new");
        string[] files = [sites.SeedFileOf("eu-1 new"), sites.SeedFileOf("eu-1")];
        Assert.NotEmpty(sites.PublicKeys);

        var seeds = new SitesOptions { SeedFile = files[0], OtherSeedFiles = [files[1]] }.ReadSeeds();

        Assert.Equal(files.Select(File.ReadAllText), seeds.Select(Convert.ToHexStringLower));
        Assert.Empty(new SitesOptions().ReadSeeds());
    }

    [Fact]
    public void Keys_AreNeededOfEverySite_AndAreNobodyElses()
    {
        Assert.Empty(Faults(new SitesOptions()));
        Assert.Empty(Faults(Good()));

        AssertFault(Good() with { Seed = "" }, "SeedFile");
        AssertFault(Good() with { Seed = sites.SeedFileOf("missing") }, "SeedFile");
        AssertFault(Good() with { Seed = sites.SeedFileOf("eu-2") }, "SeedFile: holds a key that is not among PublicKeys:eu-1");
        AssertFault(Good() with { Others = [sites.SeedFileOf("missing")] }, "OtherSeedFiles:0");
        AssertFault(Good() with { Others = [sites.SeedFileOf("eu-2")] }, "OtherSeedFiles:0: holds a key that is not among PublicKeys:eu-1");
        Assert.Contains(
            Faults(new SitesOptions { OtherSeedFiles = [sites.SeedFileOf("eu-1")] }),
            fault => fault.Contains(" SeedFile: is needed", StringComparison.Ordinal));
        AssertFault(Good() with { Keys = new(sites.PublicKeys.Where(one => one.Key != "eu-3")) }, "PublicKeys:eu-3: needs a public key");
        AssertFault(Good() with { Keys = new(sites.PublicKeys) { ["eu-9"] = [new string('a', 64)] } }, "PublicKeys:eu-9: is no site");
        AssertFault(Good() with { Keys = new(sites.PublicKeys) { ["eu-3"] = ["12"] } }, "PublicKeys:eu-3:0: must be 64");
        AssertFault(
            Good() with { Keys = new(sites.PublicKeys) { ["eu-3"] = sites.PublicKeys["eu-2"] } },
            "PublicKeys:eu-3:0: is a key of eu-2 already");
    }

    private Configured Good() => new(sites.PublicKeys, sites.SeedFileOf("eu-1"));

    private static void AssertFault(Configured configured, string said) => Assert.Contains(
        Faults(configured),
        fault => fault.Contains(said, StringComparison.Ordinal));

    private static IEnumerable<string> Faults(Configured configured) => Faults(
        new SitesOptions { PublicKeys = configured.Keys, SeedFile = configured.Seed, OtherSeedFiles = [.. configured.Others ?? []] });

    private static IEnumerable<string> Faults(SitesOptions options)
    {
        var region = new OverlaysOptions
        {
            Region = TestedSites.Region,
            Local = "eu-1",
            Members =
            {
                ["eu-1"] = new OverlayOptions(), ["eu-2"] = new OverlayOptions(), ["eu-3"] = new OverlayOptions(),
                ["eu-4"] = new OverlayOptions { ServedBy = "eu-3" },
            },
        };
        return new SitesOptionsValidator(Options.Create(region)).Validate(null, options).Failures ?? [];
    }

    private static async Task AssertRefusedAsync(Func<Task> open, string said) =>
        Assert.Contains(said, (await Assert.ThrowsAsync<SiteRefusedException>(open)).Message, StringComparison.Ordinal);

    private SiteSeal Ask()
    {
        using var asker = sites.Of("eu-2", time);
        return asker.SealQuestion("eu-1", Channel, Hello)!;
    }

    private async Task<SiteSeal?> OpenAsync(SiteSeal seal)
    {
        using var asked = sites.Of("eu-1", time);
        return await asked.OpenQuestionAsync($"{seal}", Channel, Hello, Cancel);
    }

    private sealed record Configured(Dictionary<string, List<string>> Keys, string Seed, IReadOnlyList<string>? Others = null);
}
