using System.Buffers.Text;
using System.Security.Cryptography;
using ControlPlane.Access;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Access;

public sealed class CallerSealTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    private static readonly Caller Alice = new()
    {
        Principal = "alice@example.net",
        Method = CallerMethod.Oidc,
        Groups = ["operators"],
        Claims = new Dictionary<string, IReadOnlyList<string>> { ["department"] = ["it", "ops"] },
        SecondFactorAt = DateTimeOffset.UnixEpoch,
        Address = "192.0.2.1",
        Trace = "0af7651916cd43dd8448eb211c80319c",
    };

    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void OpenOrNull_GivesTheCallerBack_ToAnotherSiloOfTheSite()
    {
        var opened = new CallerSeal([Key], time).OpenOrNull(new CallerSeal([Key], time).Seal(Alice))!;

        Assert.Equal((Alice.Principal, Alice.Method, Alice.SecondFactorAt), (opened.Principal, opened.Method, opened.SecondFactorAt));
        Assert.Equal((Alice.Address, Alice.Trace), (opened.Address, opened.Trace));
        Assert.Equal(Alice.Groups, opened.Groups);
        Assert.Equal(["it", "ops"], opened.Claims["department"]);
    }

    [Fact]
    public void OpenOrNull_GivesTheSystem_ForCallsOfGrains()
    {
        var (here, there) = (new CallerSeal([Key], time), new CallerSeal([Key], time));

        Assert.Same(Caller.System, here.OpenOrNull(here.Seal(Caller.System)));
        Assert.Same(Caller.System, there.OpenOrNull(here.Seal(Caller.System)));
    }

    [Fact]
    public void OpenOrNull_RefusesTheSealOfAnotherSite() =>
        Assert.Null(new CallerSeal([Key], time).OpenOrNull(new CallerSeal([RandomNumberGenerator.GetBytes(32)], time).Seal(Caller.System)));

    /// <summary>The steps of a roll, each with a silo of the step before: whichever of the two asks, the other knows who it was.</summary>
    [Fact]
    public void AKey_IsRolled_WhileBothAreListed()
    {
        var after = RandomNumberGenerator.GetBytes(32);
        var steps = ((byte[][][])[[Key], [Key, after], [after, Key], [after]]).Select(keys => new CallerSeal(keys, time)).ToList();
        foreach (var (earlier, later) in steps.Zip(steps.Skip(1)))
        {
            foreach (var caller in (Caller[])[Alice, Caller.System])
            {
                Assert.Equal(caller.Principal, earlier.OpenOrNull(later.Seal(caller))?.Principal);
                Assert.Equal(caller.Principal, later.OpenOrNull(earlier.Seal(caller))?.Principal);
            }
        }

        Assert.Null(steps[^1].OpenOrNull(steps[0].Seal(Alice)));
        Assert.Null(steps[0].OpenOrNull(steps[^1].Seal(Alice)));
    }

    [Fact]
    public void ASeal_NeedsAKey_AndNoneThatIsShort()
    {
        Assert.Throws<ArgumentException>(() => new CallerSeal([], time));
        Assert.Throws<ArgumentException>(() => new CallerSeal([Key, [1, 2]], time));
    }

    [Theory]
    [InlineData(5.1)]
    [InlineData(-5.1)]
    public void OpenOrNull_RefusesASeal_OfAnotherTime(double minutes)
    {
        var there = new FakeTimeProvider(time.GetUtcNow());
        there.SetUtcNow(time.GetUtcNow());
        var sealedCaller = new CallerSeal([Key], there).Seal(Alice);
        var later = new FakeTimeProvider(time.GetUtcNow() + TimeSpan.FromMinutes(minutes));

        Assert.Null(new CallerSeal([Key], later).OpenOrNull(sealedCaller));
    }

    [Fact]
    public void Seal_IsAnew_BeforeTheLastOneEnds()
    {
        var seal = new CallerSeal([Key], time);
        var first = seal.Seal(Caller.System);
        time.Advance(CallerSeal.Lifetime + TimeSpan.FromSeconds(1));

        Assert.NotEqual(first, seal.Seal(Caller.System));
        Assert.Null(new CallerSeal([Key], time).OpenOrNull(first));
        Assert.Same(Caller.System, new CallerSeal([Key], time).OpenOrNull(seal.Seal(Caller.System)));
    }

    [Fact]
    public void OpenOrNull_RefusesAnOldSeal_ThatItTookWhileItWasGood()
    {
        var (here, sealedCaller) = (new CallerSeal([Key], time), new CallerSeal([Key], time).Seal(Caller.System));
        Assert.Same(Caller.System, here.OpenOrNull(sealedCaller));
        Assert.Same(Caller.System, here.OpenOrNull(sealedCaller));

        time.Advance(CallerSeal.Lifetime + TimeSpan.FromSeconds(1));

        Assert.Null(here.OpenOrNull(sealedCaller));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a.b")]
    [InlineData("no base64!.no base64!")]
    [InlineData("a.b.c")]
    public void OpenOrNull_RefusesWhatIsNone(string text) => Assert.Null(new CallerSeal([Key], time).OpenOrNull(text));

    [Fact]
    public void OpenOrNull_RefusesACaller_WithTheSealOfAnother()
    {
        var seal = new CallerSeal([Key], time);
        var mac = seal.Seal(Alice).Split('.')[1];
        var body = seal.Seal(Alice with { Principal = "root" }).Split('.')[0];

        Assert.Null(seal.OpenOrNull($"{body}.{mac}"));
        Assert.Null(seal.OpenOrNull($"{body}.{Base64Url.EncodeToString(SHA256.HashData(Base64Url.DecodeFromChars(body)))}"));
    }
}
