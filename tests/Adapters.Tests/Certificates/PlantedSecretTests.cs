using System.Security.Cryptography;
using System.Text;
using ControlPlane.Adapters.Cfssl;
using ControlPlane.Adapters.Command;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Adapters.Tests.Cfssl;
using ControlPlane.Adapters.Tests.KeyVault;
using ControlPlane.Adapters.Tests.Vault;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>
/// Each issuer with secrets that can be told from all else: what they sign, refuse, log, record and throw holds none of them.
/// </summary>
public sealed class PlantedSecretTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-planted-").FullName;
    private readonly StringBuilder said = new();
    private readonly KeptLog log = new();
    private int number;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("localca")]
    [InlineData("cfssl")]
    [InlineData("vault")]
    [InlineData("keyvault")]
    [InlineData("command")]
    public async Task Output_HoldsNoSecret_WhateverEachIssuerMeets(string issuer)
    {
        var secrets = issuer switch
        {
            "localca" => await LocalCaAsync(),
            "cfssl" => await CfsslAsync(),
            "vault" => await VaultAsync(),
            "keyvault" => await KeyVaultAsync(),
            _ => await CommandAsync(),
        };

        var output = $"{said}\n{log.Text}";
        Assert.True(output.Length > 500, output);
        Assert.Contains("web", output, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", output, StringComparison.Ordinal);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, output, StringComparison.OrdinalIgnoreCase));
    }

    private async Task<string[]> LocalCaAsync()
    {
        using (var made = new LocalCaIssuer(
            "tested", new LocalCaOptions { DataFolder = folder, KeyKind = LocalCaKeyKind.P256 }, TimeProvider.System))
        {
            await UseAsync(made);
        }

        // The same again by an imported key, and by a passphrase that is wrong.
        const string passphrase = "passphrase-planted-4711";
        var keyPem = await File.ReadAllTextAsync(Path.Combine(folder, "intermediate-001.key"), Cancel);
        using var key = ECDsa.Create();
        key.ImportFromPem(keyPem);
        var parameters = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);
        KeyFile.WriteAtomically(Path.Combine(folder, "imported.key"), key.ExportEncryptedPkcs8PrivateKeyPem("another", parameters));
        KeyFile.WriteAtomically(Path.Combine(folder, "passphrase"), passphrase);
        using var wrong = new LocalCaIssuer(
            "tested",
            new LocalCaOptions
            {
                DataFolder = Path.Combine(folder, "imported"),
                CertificatePath = Path.Combine(folder, "intermediate-001.pem"),
                ChainPath = Path.Combine(folder, "root.pem"),
                KeyPath = Path.Combine(folder, "imported.key"),
                KeyPassphrasePath = Path.Combine(folder, "passphrase"),
            },
            TimeProvider.System);
        await UseAsync(wrong);
        return [passphrase, .. keyPem.Split('\n').Where(line => line.Length >= 40)];
    }

    private async Task<string[]> CfsslAsync()
    {
        await using var server = await CfsslServer.StartAsync(new CfsslServerSettings { Database = true }, Cancel);
        var secret = (await File.ReadAllTextAsync(server.AuthKeyFile, Cancel)).Trim();
        var wrongFile = Path.Combine(folder, "auth.key");
        var wrong = string.Concat(secret.Reverse());
        await File.WriteAllTextAsync(wrongFile, wrong, Cancel);
        foreach (var file in new[] { server.AuthKeyFile, wrongFile })
        {
            var options = CfsslWorld.OptionsFor(server);
            options.Profile = CfsslServer.AuthenticatedProfile;
            options.AuthKeyFile = file;
            options.Revocation = CfsslRevocation.Database;
            using var issuer = CfsslWorld.Open(options);
            await KeepAsync(() => StartAsync(issuer));
            await UseAsync(issuer);
        }

        return [secret, wrong];
    }

    private async Task StartAsync(ICertificateIssuer issuer)
    {
        var options = Microsoft.Extensions.Options.Options.Create(new CertificatesOptions());
        using var grains = new IssuanceGrains(
            new InMemoryCertificateLedger(), new InMemoryKeyRegister(), TimeProvider.System, options.Value, issuer);
        await new IssuersStart(grains.Issuers, options, Logger<IssuersStart>()).StartAsync(Cancel);
    }

    private async Task<string[]> VaultAsync()
    {
        await using var world = await VaultWorld.StartAsync();
        foreach (var trick in Enum.GetValues<VaultTrick>().Where(trick => trick is not VaultTrick.Silent))
        {
            world.Vault.Trick = trick;
            var issuer = world.Open(world.Options());
            await KeepAsync(() => StartAsync(issuer));
            await UseAsync(issuer);
        }

        world.Write("secret-id", "wrong-planted-0815");
        await UseAsync(world.Open(world.Options()));
        return [FakeVaultTokens.SecretId, FakeVaultTokens.Jwt, FakeVaultTokens.RoleId, "planted", "hvs."];
    }

    private async Task<string[]> KeyVaultAsync()
    {
        foreach (var trick in Enum.GetValues<KeyVaultTrick>().Where(trick => trick is not KeyVaultTrick.Silent))
        {
            await using var world = await KeyVaultWorld.StartAsync();
            world.Vault.Trick = trick;
            await UseAsync(world.Open(world.Options()));
        }

        return [FakeKeyVault.Token];
    }

    private async Task<string[]> CommandAsync()
    {
        string[] scripts =
        [
            "echo '{\"defer\":true,\"msg\":\"later; password=message-planted-1\"}'",
            "echo '{\"shutdown\":true,\"msg\":\"no; Authorization: Bearer message-planted-2\"}'",
            "echo \"complains of $*\" >&2; exit 3",
            "echo 'curl -H X-Vault-Token: stderr-planted-3' >&2; exit 3",
            "echo '-----BEGIN PRIVATE KEY-----' >&2; echo stderrplanted4 >&2; exit 3",
            "head -c 100000 /dev/zero | tr '\\0' x >&2; echo ' token=stderr-planted-5' >&2; exit 3",
            "echo nonsense",
        ];
        foreach (var script in scripts)
        {
            var program = Path.Combine(folder, $"helper-{number}");
            await File.WriteAllTextAsync(program, $"#!/bin/sh\ncat > /dev/null\n{script}\n", Cancel);
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            var options = new CommandOptions { Program = program, Arguments = ["--password=argument-planted-99"] };
            using var issuer = new CommandIssuer("tested", options, TimeProvider.System);
            await UseAsync(issuer);
        }

        Assert.Contains("complains of […]", said.ToString(), StringComparison.Ordinal);
        Assert.Contains("exit code 3: curl -H X-Vault-Token: […]", said.ToString(), StringComparison.Ordinal);
        return ["argument-planted-99", "message-planted-", "stderr-planted-", "stderrplanted4"];
    }

    /// <summary>All that is done with an issuer, and all that it says: outcomes, records, history, health, exceptions.</summary>
    private async Task UseAsync(ICertificateIssuer issuer)
    {
        using var orders = new IssuerOrders(issuer);
        var order = IssuerOrders.Order($"web{++number}.example.net", 1);
        await KeepAsync(async () => said.AppendLine($"{await orders.IssueAsync(order)}"));
        await KeepAsync(async () => said.AppendLine($"{await orders.RevokeAsync(order.OrderId, Cancel)}"));
        await KeepAsync(async () => said.AppendLine($"{await issuer.CheckAsync(Cancel)}"));
        await KeepAsync(() => issuer.GetChainAsync(Cancel));
        await KeepAsync(() => issuer.IssueAsync(
            CertificateOrders.For(
                order.Identity, order.SigningRequestPem, new CertificateProfile(), TimeProvider.System.GetUtcNow()), Cancel));
        orders.Ledger.Entries.ToList().ForEach(entry => said.AppendLine($"{entry}"));
        foreach (var entry in orders.Ledger.Entries)
        {
            var (records, _) = await orders.Ledger.ReadOutboxAsync(entry.Issuer, entry.Shard, 0, 100, Cancel);
            said.AppendJoin('\n', records.Select(record => record.Body));
        }
    }

    private async Task KeepAsync(Func<Task> call) => said.AppendLine($"{await Record.ExceptionAsync(call)}");

    private Logger<T> Logger<T>() => new(LoggerFactory.Create(logging => logging.AddProvider(log).SetMinimumLevel(LogLevel.Trace)));
}
