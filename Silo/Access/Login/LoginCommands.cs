using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using ControlPlane.Commands;

namespace ControlPlane.Access;

/// <summary><c>controlplane login|logout|whoami</c>: signing in at the identity provider that the control plane names.</summary>
internal static class LoginCommands
{
    public static ClientCommand Login()
    {
        var browser = new Option<bool>("--browser")
        {
            Description = "Sign in by a browser on this machine, in place of a code that is entered on any.",
        };
        return new ClientCommand(
            "login",
            "Signs in at the identity provider, for the other commands to use.",
            (call, cancellationToken) => LogInAsync(call, call.Arguments.GetValue(browser), cancellationToken),
            showsSignIn: false)
        {
            browser,
        };
    }

    public static ClientCommand Logout() =>
        new("logout", "Forgets the sign-in of this machine.", LogOutAsync, showsSignIn: false);

    public static ClientCommand WhoAmI() =>
        new("whoami", "Says whom the control plane takes you for, and how it knows.", async (call, cancellationToken) =>
        {
            var who = await call.Api.GetAsync<WhoAmI>("v1/access/whoami", cancellationToken);
            call.Print.One(
                who,
                ("principal", who.Principal),
                ("known by", who.Method),
                ("groups", Joined(who.Groups)),
                ("roles of the credential", Joined(who.Roles)),
                ("second factor", who.SecondFactorAt),
                ("credential", who.Credential));
        });

    private static async Task LogInAsync(ClientCall call, bool browser, CancellationToken cancellationToken)
    {
        var hint = await FindAsync(call, cancellationToken);
        using var http = OidcClient.NewHttp();
        var client = new OidcClient(http);
        var answer = browser
            ? await new BrowserGrant(client, url => Open(call, url), TimeProvider.System).SignInAsync(hint, cancellationToken)
            : await new DeviceGrant(client, call.Tell.Say, TimeProvider.System).SignInAsync(hint, cancellationToken);
        var kept = KeptSignIns.OfUser();
        var signIn = KeptSignIn.Of(call.Url, hint, answer, TimeProvider.System.GetUtcNow());
        var who = await AskAsync(call, signIn, cancellationToken);
        kept.Keep(signIn);
        call.Print.One(
            who,
            ("signed in as", who.Principal),
            ("groups", Joined(who.Groups)),
            ("second factor", who.SecondFactorAt),
            ("until", signIn.RefreshToken is null ? signIn.ExpiresAt : "the identity provider ends it"),
            ("kept in", kept.FileOf(call.Url)));
    }

    private static async Task<WhoAmI> AskAsync(ClientCall call, KeptSignIn signIn, CancellationToken cancellationToken)
    {
        try
        {
            return await call.Api.With(signIn.AccessToken).GetAsync<WhoAmI>("v1/access/whoami", cancellationToken);
        }
        catch (ApiRefusedException refused)
        {
            throw new SignInException(
                $"you signed in, and {call.Url} does not take the token: is it one for the control plane (Access:SignIn:Scopes)? "
                    + refused.Message,
                refused) { IsRefusal = true };
        }
    }

    private static async Task<SignInHint> FindAsync(ClientCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.Api.GetAsync<SignInHint>("v1/access/sign-in", cancellationToken);
        }
        catch (ApiRefusedException none)
        {
            throw new SignInException($"{call.Url} names no identity provider for programs (Access:SignIn): {none.Message}", none)
            {
                IsRefusal = true,
            };
        }
    }

    private static async Task LogOutAsync(ClientCall call, CancellationToken cancellationToken)
    {
        var kept = KeptSignIns.OfUser();
        var signIn = kept.Find(call.Url);
        kept.Forget(call.Url);
        call.Print.Say(signIn is null ? $"nobody is signed in at {call.Url}" : $"signed out of {call.Url}");
        if (signIn?.RefreshToken is { } refresh)
        {
            await RevokeAsync(call, signIn, refresh, cancellationToken);
        }
    }

    // It is forgotten here in any case. Where the provider cannot be told, it ends the token by itself some time.
    private static async Task RevokeAsync(ClientCall call, KeptSignIn signIn, string refresh, CancellationToken cancellationToken)
    {
        using var http = OidcClient.NewHttp();
        try
        {
            var endpoints = await new OidcClient(http).DiscoverAsync(signIn.Hint.Issuer, cancellationToken);
            if (endpoints.RevocationEndpoint is { Length: > 0 } endpoint)
            {
                using var form = new FormUrlEncodedContent([new("token", refresh), new("client_id", signIn.Hint.ClientId)]);
                using var answer = await http.PostAsync(new Uri(endpoint), form, cancellationToken);
                answer.EnsureSuccessStatusCode();
            }
        }
        catch (Exception away) when (away is SignInException or HttpRequestException or UriFormatException)
        {
            call.Tell.Say($"{signIn.Hint.Issuer} was not told of it: {away.Message}");
        }
    }

    private static void Open(ClientCall call, string url)
    {
        call.Tell.Say($"To sign in, open {url}");
        try
        {
            using var browser = Process.Start(new ProcessStartInfo(OperatingSystem.IsMacOS() ? "open" : "xdg-open", [url])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            });
        }
        catch (Win32Exception)
        {
            // No program that opens pages: the person does.
        }
    }

    private static string? Joined(IReadOnlyList<string> names) => names.Count > 0 ? string.Join(", ", names) : null;
}
