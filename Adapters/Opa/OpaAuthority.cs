using System.Text.Json;
using ControlPlane.Access.Policies;
using ControlPlane.Adapters.Http;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Opa;

/// <summary>Asks Open Policy Agent: <c>POST /v1/data/{path}</c> with the question as <c>input</c>.</summary>
internal sealed class OpaAuthority(IOptions<OpaOptions> options) : IAccessAuthority, IDisposable
{
    private const int AnswerBytesMax = 64 * 1024;

    private readonly WebHook hook = new(
        $"{options.Value.Url!.TrimEnd('/')}/v1/data/{options.Value.Path}", options.Value.TokenFile, AnswerBytesMax);

    public async Task<AccessVerdict> AskAsync(AccessQuestion question, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await hook.AskAsync(OpaMessages.Write(question), cancellationToken);
            return answer.IsSuccess
                ? OpaMessages.Read(answer.Body, options.Value.Path)
                : throw new AccessAuthorityException(
                    $"Open Policy Agent answered {(int)answer.Status}: {OpaMessages.ReadFault(answer.Body) ?? "without saying why"}");
        }
        catch (WebHookException away)
        {
            throw new AccessAuthorityException(away.Message, away);
        }
        catch (JsonException unreadable)
        {
            throw new AccessAuthorityException("Open Policy Agent answered what is not its JSON", unreadable);
        }
    }

    public void Dispose() => hook.Dispose();
}
