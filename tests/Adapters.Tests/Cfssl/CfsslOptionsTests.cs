using ControlPlane.Adapters.Cfssl;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Hosting;

namespace ControlPlane.Adapters.Tests.Cfssl;

public sealed class CfsslOptionsTests(CfsslWorld world) : IClassFixture<CfsslWorld>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Validate_NamesEveryFault_WhenAllIsWrong()
    {
        var options = new CfsslOptions
        {
            Url = new Uri("http://ca.example.net:8888"),
            Profile = "",
            ChainFile = "/no/such/chain.pem",
            AuthKeyFile = "/no/such/key",
            Revocation = (CfsslRevocation)7,
            ServerCaFile = "/no/such/ca.pem",
            ClientCertificateFile = "/no/such/client.pem",
            Timeout = TimeSpan.Zero,
            ConcurrencyMax = 65,
        };

        var faults = new CfsslOptionsValidator().Validate("one", options).Failures!.ToList();

        Assert.Equal(
            [
                "ConcurrencyMax: must be between 1 and 64, is 65",
                "Profile: must name a signing profile",
                "Property AuthKeyFile: there is no file '/no/such/key', or it may not be read",
                "Property ChainFile: there is no file '/no/such/chain.pem', or it may not be read",
                "Property ClientCertificateFile: there is no file '/no/such/client.pem', or it may not be read",
                "Property ClientKeyFile: is needed; give the path of a file",
                "Property ServerCaFile: there is no file '/no/such/ca.pem', or it may not be read",
                "Property Url: must be https://, or http:// on the loopback, is 'http://ca.example.net:8888'",
                "Revocation: must be None, Database or DatabaseAndList",
                "Timeout: must be between 00:00:01 and 00:02:00, is 00:00:00",
            ],
            faults.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task AddCfssl_RegistersEachEntryByItsName_AndOnlyWhatItCanDo()
    {
        var server = await world.ServerAsync(new CfsslServerSettings { Database = true });
        using var host = Host(server, new() { ["Cfssl:plain:Profile"] = "node", ["Cfssl:kept:Revocation"] = "Database" }, out _);

        var issuers = host.Services.GetRequiredService<GuardedIssuers>();
        Assert.Equal("plain", host.Services.GetRequiredKeyedService<ICertificateIssuer>("plain").Name);
        Assert.Null(issuers.Of("plain").Revoker);
        Assert.Same(host.Services.GetRequiredKeyedService<ICertificateIssuer>("kept"), issuers.Of("kept").Revoker);
        Assert.Null(issuers.Of("kept").RevocationLists);
    }

    [Fact]
    public async Task Start_StopsTheSilo_WhenTheProfileIsUnknown_AndSaysNoSecret()
    {
        var server = await world.ServerAsync();
        var secret = (await File.ReadAllTextAsync(server.AuthKeyFile, Cancel)).Trim();
        using var host = Host(
            server, new() { ["Cfssl:one:Profile"] = "no-such-profile", ["Cfssl:one:AuthKeyFile"] = server.AuthKeyFile }, out var log);

        var fault = await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => host.StartAsync(Cancel));

        Assert.DoesNotContain(secret, fault.ToString() + log.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Start_GoesOnAndWarns_WhenTheCaIsAway()
    {
        var server = await world.ServerAsync();
        using var host = Host(server, new() { ["Cfssl:one:Url"] = $"http://127.0.0.1:{LoopbackPort.Free()}" }, out var log);

        await host.StartAsync(Cancel);

        Assert.Contains("one is away", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_Warns_WhenAnyoneMayHaveKeysMade()
    {
        var server = await world.ServerAsync();
        using var host = Host(server, new() { ["Cfssl:one:Profile"] = "node" }, out var log);

        await host.StartAsync(Cancel);

        Assert.Contains("newkey", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IssueAsync_SaysNoSecret_WhateverFails()
    {
        var server = await world.ServerAsync();
        var secret = (await File.ReadAllTextAsync(server.AuthKeyFile, Cancel)).Trim();
        var wrongKey = Path.GetTempFileName();
        await File.WriteAllTextAsync(wrongKey, secret.Replace("6f", "7f", StringComparison.Ordinal), Cancel);
        var options = CfsslWorld.OptionsFor(server);
        options.Profile = CfsslServer.AuthenticatedProfile;
        options.AuthKeyFile = wrongKey;
        using var issuer = CfsslWorld.Open(options);
        var order = CertificateOrders.For(
            "web1.example.net", SigningRequests.Elliptic("web1.example.net"), new CertificateProfile(), TimeProvider.System.GetUtcNow());

        var denied = await Assert.ThrowsAsync<IssuerMisconfiguredException>(() => issuer.IssueAsync(order, Cancel));
        await File.WriteAllTextAsync(wrongKey, $"not hexadecimal: {secret}", Cancel);
        var malformed = Assert.Throws<IssuerMisconfiguredException>(() => CfsslWorld.Open(options));

        Assert.DoesNotContain(secret[4..], denied.ToString() + malformed, StringComparison.OrdinalIgnoreCase);
        File.Delete(wrongKey);
    }

    private static IHost Host(CfsslServer server, Dictionary<string, string?> settings, out KeptLog log)
    {
        var kept = log = new KeptLog();
        foreach (var name in settings.Keys.Select(key => key.Split(':')[1]).Distinct().ToList())
        {
            settings.TryAdd($"Cfssl:{name}:Url", server.Url.ToString());
            settings.TryAdd($"Cfssl:{name}:ChainFile", server.ChainFile);
            settings.TryAdd($"Cfssl:{name}:Profile", CfsslServer.NodeProfile);
        }

        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.AddProvider(kept);
        builder.Services.AddSingleton<IValidateOptions<CfsslOptions>, CfsslOptionsValidator>();
        builder.Services.AddOptions<CertificatesOptions>();
        builder.Services.AddGuardedIssuers();
        foreach (var entry in builder.Configuration.GetSection(CfsslOptions.Section).GetChildren())
        {
            builder.Services.AddIssuer<CfsslOptions>(CfsslOptions.Section, entry.Key, CfsslHosting.Open);
        }

        return builder.Build();
    }
}
