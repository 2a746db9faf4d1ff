using System.CommandLine;
using System.CommandLine.Parsing;
using ControlPlane.Access;
using ControlPlane.Api;

namespace ControlPlane.Commands;

/// <summary>A command that calls the HTTP API of a running control plane.</summary>
internal sealed class ClientCommand : Command
{
    public const string UrlVariable = "CONTROLPLANE_URL";
    public const string TokenFileVariable = "CONTROLPLANE_TOKEN_FILE";

    private readonly Option<Uri?> _url = new("--url")
    {
        Description = $"Where the control plane listens; {UrlVariable} or {Api.ApiOptions.DefaultUrl} without.",
        DefaultValueFactory = result => ReadUrl(Environment.GetEnvironmentVariable(UrlVariable) ?? Api.ApiOptions.DefaultUrl, result),
        CustomParser = result => ReadUrl(result.Tokens[0].Value, result),
    };

    private readonly Option<string?> _tokenFile = new("--token-file")
    {
        Description = $"The file that holds the access token; {TokenFileVariable} without, or what 'login' got.",
        HelpName = "FILE",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(TokenFileVariable),
    };

    private readonly Option<string> _format = new("--output", "-o") { Description = "How to print.", DefaultValueFactory = _ => "table" };

    private readonly bool _showsSignIn;

    /// <param name="name">Its name.</param>
    /// <param name="description">For its help.</param>
    /// <param name="run">What it does.</param>
    /// <param name="showsSignIn">Whether what <c>login</c> got is shown where no token file is named.</param>
    public ClientCommand(string name, string description, Func<ClientCall, CancellationToken, Task> run, bool showsSignIn = true)
        : this(
            name,
            description,
            async (call, cancellationToken) =>
            {
                await run(call, cancellationToken);
                return ExitCodes.Done;
            },
            showsSignIn)
    {
    }

    /// <param name="name">Its name.</param>
    /// <param name="description">For its help.</param>
    /// <param name="run">What it does, and what the process ends with when nothing was refused.</param>
    /// <param name="showsSignIn">Whether what <c>login</c> got is shown where no token file is named.</param>
    public ClientCommand(string name, string description, Func<ClientCall, CancellationToken, Task<int>> run, bool showsSignIn = true)
        : base(name, description)
    {
        _showsSignIn = showsSignIn;
        _format.AcceptOnlyFromAmong("table", "json");
        Add(_url);
        Add(_tokenFile);
        Add(_format);
        SetAction((parsed, cancellationToken) => RunAsync(parsed, run, cancellationToken));
    }

    private static Uri? ReadUrl(string text, ArgumentResult result)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is ("http" or "https"))
        {
            return url;
        }

        result.AddError($"'{text}' is not an http:// or https:// address");
        return null;
    }

    private async Task<int> RunAsync(
        ParseResult parsed, Func<ClientCall, CancellationToken, Task<int>> run, CancellationToken cancellationToken)
    {
        var console = parsed.InvocationConfiguration;
        try
        {
            var (url, tokenFile) = (parsed.GetValue(_url)!, parsed.GetValue(_tokenFile));
            using var api = ApiClient.Open(url, tokenFile);
            if (tokenFile is null && _showsSignIn && await SignInRenewal.TokenOfUserAsync(url, cancellationToken) is { } token)
            {
                api.With(token);
            }

            var print = new Printer(console.Output, parsed.GetValue(_format) == "json");
            return await run(
                new ClientCall(parsed, url, api, print, new Printer(console.Error, json: false)), cancellationToken);
        }
        catch (SignInException failed)
        {
            await console.Error.WriteLineAsync(Printer.Printable(failed.Message));
            return failed.IsRefusal ? ExitCodes.Refused : ExitCodes.Unreachable;
        }
        catch (ApiRefusedException refused)
        {
            await console.Error.WriteLineAsync($"refused: {Printer.Printable(refused.Message)}");
            return ExitCodes.Refused;
        }
        catch (HttpRequestException away)
        {
            await console.Error.WriteLineAsync($"no answer from {parsed.GetValue(_url)}: {away.Message}");
            return ExitCodes.Unreachable;
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await console.Error.WriteLineAsync($"no answer from {parsed.GetValue(_url)} in time");
            return ExitCodes.Unreachable;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            await console.Error.WriteLineAsync(unreadable.Message);
            return ExitCodes.Usage;
        }
    }
}

/// <param name="Arguments">What was given on the command line.</param>
/// <param name="Url">The control plane.</param>
/// <param name="Api">The API to call.</param>
/// <param name="Print">Where results go.</param>
/// <param name="Tell">Where a person is told what to do meanwhile.</param>
internal sealed record ClientCall(ParseResult Arguments, Uri Url, ApiClient Api, Printer Print, Printer Tell);
