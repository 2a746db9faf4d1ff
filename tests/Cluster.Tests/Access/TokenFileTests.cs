using System.Security.Cryptography;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>The lines of a token file, and what a token of each may.</summary>
public sealed class TokenFileTests : IDisposable
{
    private const string Token = "0123456789abcdefghijklmnop";

    private static readonly string Digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Token)));

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void ALineOfTwoWords_IsATokenWithoutRolesOrEnd()
    {
        var held = Assert.Single(Read($"alice {Token}").Tokens);

        Assert.Equal(("alice", 0, (DateTimeOffset?)null, Digest[..8]), (held.Holder, held.Roles.Count, held.ExpiresAt, held.Id));
    }

    [Fact]
    public void ALine_SaysIdRolesAndEnd_InAnyOrder()
    {
        var held = Assert.Single(Read($"ci sha256:{Digest} expires=2027-01-31T12:00:00Z roles=viewer,runner id=ci-2026").Tokens);

        Assert.Equal("ci-2026", held.Id);
        Assert.Equal(["viewer", "runner"], held.Roles);
        Assert.Equal(new DateTimeOffset(2027, 1, 31, 12, 0, 0, TimeSpan.Zero), held.ExpiresAt);
        Assert.Equal(Digest, Convert.ToHexStringLower(held.Digest));
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("alice short")]
    [InlineData("al/ice " + Token)]
    [InlineData("alice sha256:abc")]
    [InlineData("alice sha256:zz23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("alice " + Token + " roles=")]
    [InlineData("alice " + Token + " roles=a,,b")]
    [InlineData("alice " + Token + " expires=31.01.2027")]
    [InlineData("alice " + Token + " expires=soon")]
    [InlineData("alice " + Token + " role=viewer")]
    [InlineData("alice " + Token + " viewer")]
    public void AFault_NamesFileAndLine_AndNeverTheToken(string line)
    {
        var read = Read($"# a comment\n{line}");

        var fault = Assert.Single(read.Faults);
        Assert.StartsWith($"{_file}:2: ", fault);
        Assert.DoesNotContain(Token, fault);
        Assert.Empty(read.Tokens);
    }

    [Theory]
    [InlineData("alice " + Token + "\nbob " + Token, "is a token of another line too")]
    [InlineData("alice " + Token + " id=one\nbob zz" + Token + " id=one", "has the id of another line")]
    public void ATokenOrAnId_OfTwoLines_IsAFault(string lines, string fault) =>
        Assert.Equal([$"{_file}:2: {fault}"], Read(lines).Faults);

    [Fact]
    public async Task AHashInTheFile_LetsItsTokenIn_WithItsRoles()
    {
        await File.WriteAllTextAsync(_file, $"ci sha256:{Digest} id=ci-2026 roles=viewer\n", TestContext.Current.CancellationToken);
        await using var api = await ApiHost.StartAsync(("Access:Tokens:Files:0", _file));
        api.Http.DefaultRequestHeaders.Authorization = new("Bearer", Token);

        var me = await (await api.GetAsync("/v1/access/whoami")).JsonAsync();

        Assert.Equal("ci", me.GetProperty("principal").GetString());
        Assert.Equal("accessToken", me.GetProperty("method").GetString());
        Assert.Equal("ci-2026", me.GetProperty("credential").GetString());
        Assert.Equal("viewer", Assert.Single(me.GetProperty("roles").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task TheHashItself_IsNoToken()
    {
        await File.WriteAllTextAsync(_file, $"ci sha256:{Digest}\n", TestContext.Current.CancellationToken);
        await using var api = await ApiHost.StartAsync(("Access:Tokens:Files:0", _file));

        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, await api.StatusAsync(Digest));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, await api.StatusAsync($"sha256:{Digest}"));
    }

    [Fact]
    public async Task AToken_IsWarnedOf_AndThenRefused()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2027, 1, 20, 0, 0, 0, TimeSpan.Zero));
        await File.WriteAllTextAsync(_file, $"ci {Token} id=ci-2026 expires=2027-01-31\n", TestContext.Current.CancellationToken);
        await using var api = await ApiHost.StartAsync(
            services => services.AddSingleton<TimeProvider>(time), ("Access:Tokens:Files:0", _file));

        Assert.Equal(System.Net.HttpStatusCode.OK, await api.StatusAsync(Token));
        Assert.Contains(
            $"{_file}:1: the token ci-2026 of ci ends at", Assert.Single(api.Logs.Of(typeof(AccessTokens).FullName!), IsWarning));
        var health = await api.Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(check => check.Name == "access", TestContext.Current.CancellationToken);
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Contains("the token ci-2026 of ci ends at 2027-01-31", health.Entries["access"].Description);

        time.Advance(TimeSpan.FromDays(12));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, await api.StatusAsync(Token));
    }

    private static bool IsWarning(string message) => message.Contains("ends at", StringComparison.Ordinal);

    private TokenFile Read(string lines)
    {
        File.WriteAllText(_file, lines);
        return TokenFile.Read(_file);
    }
}
