using System.CommandLine;
using System.Text;
using ControlPlane.Commands;

namespace ControlPlane.Access;

/// <summary>
/// <c>choria-login</c>: what <c>choria login</c> runs when it is on the path, with its own arguments. A link of that name to
/// <c>controlplane</c> is enough.
/// </summary>
internal static class ChoriaLoginCommand
{
    public const string Name = "choria-login";

    public static Command Create()
    {
        var config = new Option<string?>("--config")
        {
            Description = "The configuration of Choria's client; the one that choria itself reads without.",
            HelpName = "FILE",
        };
        var command = new Command(Name, "Signs in at the identity provider, for Choria's own command line.") { config };

        // Choria passes on all that it was called with, its own name for this and flags of its own among it.
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(config), parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, cancellationToken));
        return command;
    }

    /// <summary>The arguments as if the command had been named: a program that was started by this name has no other.</summary>
    public static string[] WithName(string[] args) => IsStartedByName() ? [Name, .. args] : args;

    // The runtime follows the link before it tells how the program was called; the system does not.
    private static bool IsStartedByName()
    {
        const string commandLine = "/proc/self/cmdline";
        try
        {
            var called = File.Exists(commandLine) ? Encoding.UTF8.GetString(File.ReadAllBytes(commandLine)).Split('\0')[0] : "";
            return Path.GetFileName(called) == Name;
        }
        catch (Exception untold) when (untold is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static async Task<int> RunAsync(string? config, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            var home = Environment.GetEnvironmentVariable("HOME") ?? "";
            var configuration = ChoriaClientConfiguration.Read(
                config ?? ChoriaClientConfiguration.DefaultFile(home), home, Environment.CurrentDirectory);
            using var http = ChoriaLoginClient.HttpFor(configuration);
            using var provider = OidcClient.NewHttp();
            var grant = new DeviceGrant(new OidcClient(provider), line => output.WriteLine(Printer.Printable(line)), TimeProvider.System);
            var client = new ChoriaLoginClient(http, grant, TimeProvider.System);
            var claims = await client.LogInAsync(configuration, cancellationToken);
            await output.WriteLineAsync(
                $"Signed in as {Printer.Printable(claims.CallerId)} until {claims.ExpiresAt:u}; the token is in {configuration.TokenFile}");
            return ExitCodes.Done;
        }
        catch (SignInException refused)
        {
            await error.WriteLineAsync($"{Name}: {Printer.Printable(refused.Message)}");
            return ExitCodes.Refused;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException
            or System.Security.Cryptography.CryptographicException)
        {
            await error.WriteLineAsync($"{Name}: {Printer.Printable(unreadable.Message)}");
            return ExitCodes.Usage;
        }
    }
}
